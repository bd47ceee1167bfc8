use refluxo::prelude::*;

#[step(transaction, concurrency = 2)]
fn pay(tx: &mut SqliteTransaction, to: String) -> String {
    tx.execute("", []).unwrap();
    to
}

fn main() {
    let _ = pay(String::new());
}
