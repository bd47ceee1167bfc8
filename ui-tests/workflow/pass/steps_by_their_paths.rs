use refluxo::prelude::*;

mod bank {
    #[refluxo::step]
    pub async fn charge(amount: u32) -> u32 {
        amount
    }
}
use bank as money;

#[workflow]
async fn pay(amount: u32) -> u32 {
    let first = bank::charge(amount).await;
    let second = crate::bank::charge(first).await;
    money::charge(second).await
}

fn main() {
    let _ = pay(1);
}
