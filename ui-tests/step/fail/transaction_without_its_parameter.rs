use refluxo::prelude::*;

#[step(transaction)]
fn pay(to: String) -> String {
    to
}

fn main() {
    let _ = pay(String::new());
}
