use refluxo::prelude::*;

#[derive(Serialize, Deserialize)]
struct Approval {}

fn main() {
    let _ = signal::<Approval>();
}
