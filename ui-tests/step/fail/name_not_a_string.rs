use refluxo::prelude::*;

#[step(name = charge_card)]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {
    let _ = charge(1);
}
