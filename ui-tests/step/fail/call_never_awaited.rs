#![deny(unused_must_use)]
use refluxo::prelude::*;

#[step]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {
    charge(1);
}
