use refluxo::prelude::*;
use std::rc::Rc;

#[step]
async fn charge(order: Rc<u32>) -> u32 {
    *order
}

fn main() {
    let _ = charge(Rc::new(1));
}
