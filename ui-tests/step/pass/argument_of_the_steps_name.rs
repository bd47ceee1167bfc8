use refluxo::prelude::*;

#[step]
async fn order(order: u32) -> u32 {
    order
}

#[tokio::main]
async fn main() {
    let order = order(1);
    assert_eq!(order.order, 1);
    assert_eq!(order.await, 1);
}
