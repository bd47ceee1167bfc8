use refluxo::prelude::*;
use std::rc::Rc;

#[step]
async fn charge(order: u32) -> u32 {
    let order = Rc::new(order);
    tokio::task::yield_now().await;
    *order
}

fn main() {
    let _ = charge(1);
}
