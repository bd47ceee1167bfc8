use refluxo::prelude::*;

#[step(timeout = "10s")]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {
    let _ = charge(1);
}
