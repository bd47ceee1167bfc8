use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    2 * n
}

#[workflow]
async fn raise(mut prices: Vec<u32>) -> Vec<u32> {
    for price in prices.iter_mut() {
        join!(async move { *price = double(*price).await }, double(1));
    }
    prices
}

fn main() {
    let _ = raise(Vec::new());
}
