use refluxo::prelude::*;

#[step]
async unsafe fn charge(order: u32) -> u32 {
    order
}

fn main() {
    let _ = charge(1);
}
