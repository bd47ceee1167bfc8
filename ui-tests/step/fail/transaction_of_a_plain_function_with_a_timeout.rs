use refluxo::prelude::*;

#[step(transaction, timeout = "1s")]
fn pay(tx: &mut SqliteTransaction, to: String) -> Result<String, TimedOut> {
    tx.execute("", []).unwrap();
    Ok(to)
}

fn main() {
    let _ = pay(String::new());
}
