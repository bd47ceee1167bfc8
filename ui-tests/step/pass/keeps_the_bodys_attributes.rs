#![deny(warnings)]
use refluxo::prelude::*;

#[step]
#[expect(unused_variables, reason = "it is for later")]
async fn charge(order: u32) {}

#[step]
#[allow(clippy::too_many_arguments)]
async fn add(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
    a + b + c + d + e + f + g + h
}

#[tokio::main]
async fn main() {
    charge(1).await;
    assert_eq!(add(1, 2, 3, 4, 5, 6, 7, 8).await, 36);
}
