use refluxo::prelude::*;

#[step]
async fn charge(#[inject] fee: u32, order: u32) -> u32 {
    order + fee
}

fn main() {
    let _ = charge(1);
}
