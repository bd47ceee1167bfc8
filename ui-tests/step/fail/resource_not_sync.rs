use refluxo::prelude::*;
use std::cell::Cell;

#[step]
async fn charge(#[inject] count: &Cell<u32>) -> u32 {
    count.get()
}

fn main() {
    let _ = charge();
}
