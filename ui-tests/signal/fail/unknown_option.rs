use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
#[signal(title = "approved")]
struct Approval {}

fn main() {
    let _ = Approval {};
}
