use refluxo::prelude::*;

#[step]
async fn sorted(mut list: Vec<u32>) -> Vec<u32> {
    list.sort_unstable();
    list
}

#[tokio::main]
async fn main() {
    assert_eq!(sorted(vec![2, 1]).await, [1, 2]);
}
