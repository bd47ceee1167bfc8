use refluxo::prelude::*;

#[step(transaction, retry(attempts = 2), name = "pay")]
fn pay(tx: &mut SqliteTransaction, #[inject] cx: &StepContext, mut to: String, sums: &[u32]) -> Result<usize, String> {
    to.push_str(cx.run_id());
    let sum: u32 = sums.iter().sum();
    tx.execute("INSERT INTO payment (who, sum) VALUES (?1, ?2)", (to, sum)).map_err(|error| error.to_string())
}

#[workflow]
async fn shop() -> usize {
    compensate!(pay("nobody".to_owned(), &[0]));
    pay("Eve".to_owned(), &[1, 2]).await.unwrap_or_default()
}

fn main() {
    let call = pay("Eve".to_owned(), &[1]);
    assert_eq!(call.sums, [1]);
    let _ = shop();
}
