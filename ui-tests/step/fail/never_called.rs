#![deny(dead_code)]
use refluxo::prelude::*;

#[step]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {}
