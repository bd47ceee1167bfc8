use refluxo::prelude::*;

struct Bank {
    fee: u32,
}

#[step]
async fn charge(#[inject] Bank { fee }: &Bank, order: u32) -> u32 {
    fee + order
}

fn main() {
    let _ = charge(1);
}
