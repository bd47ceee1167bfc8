use refluxo::prelude::*;

#[step(transaction)]
async fn pay(tx: &mut SqliteTransaction, to: String) -> String {
    tx.execute("", []).unwrap();
    to
}

fn main() {
    let _ = pay(String::new());
}
