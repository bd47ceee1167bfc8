use refluxo::prelude::*;

struct Order {
    total: u32,
}

#[step]
async fn charge(order: Order) -> u32 {
    order.total
}

fn main() {
    let _ = charge(Order { total: 1 });
}
