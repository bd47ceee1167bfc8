use refluxo::prelude::*;
use std::fmt::Display;

#[step]
async fn charge(#[inject] bank: &impl Display, order: u32) -> String {
    format!("{bank} {order}")
}

fn main() {
    let _ = charge(1);
}
