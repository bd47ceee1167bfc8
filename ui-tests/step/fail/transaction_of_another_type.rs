use refluxo::prelude::*;

#[step(transaction)]
fn pay(tx: &mut String, to: String) -> String {
    tx.push_str(&to);
    to
}

fn main() {
    let _ = pay(String::new());
}
