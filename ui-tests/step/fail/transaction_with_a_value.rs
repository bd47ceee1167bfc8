use refluxo::prelude::*;

#[step(transaction = true)]
async fn pay(to: String) -> String {
    to
}

fn main() {
    let _ = pay(String::new());
}
