use refluxo::prelude::*;

#[step]
async fn at_most<const N: usize>(list: Vec<u32>) -> Vec<u32> {
    list.into_iter().take(N).collect()
}

#[tokio::main]
async fn main() {
    assert_eq!(at_most::<1>(vec![1, 2]).await, [1]);
}
