use refluxo::prelude::*;

#[step]
async fn charge(#[inject] fee: &u32, order: u32) -> u32 {
    order + fee
}

#[tokio::main]
async fn main() {
    charge(1).await;
}
