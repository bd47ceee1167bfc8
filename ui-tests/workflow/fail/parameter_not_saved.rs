use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

struct Order(u32);

#[workflow]
async fn report(order: Order) -> u32 {
    load(order.0).await;
    order.0
}

fn main() {}
