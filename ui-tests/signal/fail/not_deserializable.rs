use refluxo::prelude::*;

#[derive(Serialize, Signal)]
struct Approval {}

fn main() {
    let _ = Approval {};
}
