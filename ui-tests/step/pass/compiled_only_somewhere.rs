use refluxo::prelude::*;

#[step]
#[cfg(any())]
async fn charge(order: DoesNotExist) {}

#[cfg(not(any()))]
#[step]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {
    let _ = charge(1);
}
