#![deny(unused_variables)]
use refluxo::prelude::*;

#[step]
async fn charge(order: u32) {}

fn main() {
    let _ = charge(1);
}
