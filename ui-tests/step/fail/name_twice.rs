use refluxo::prelude::*;

#[step(name = "charge", name = "charge-card")]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {
    let _ = charge(1);
}
