use refluxo::prelude::*;

#[step]
async fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1).await }
}

#[tokio::main]
async fn main() {
    assert_eq!(factorial(4).await, 24);
}
