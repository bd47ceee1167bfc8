use refluxo::prelude::*;
use std::rc::Rc;

#[step]
async fn receipt(order: u32) -> Rc<u32> {
    Rc::new(order)
}

fn main() {
    let _ = receipt(1);
}
