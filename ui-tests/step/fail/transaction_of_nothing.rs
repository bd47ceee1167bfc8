use refluxo::prelude::*;

#[step(transaction)]
fn pay() {}

fn main() {
    let _ = pay();
}
