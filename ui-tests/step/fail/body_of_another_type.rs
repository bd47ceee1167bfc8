use refluxo::prelude::*;

#[step]
async fn charge(order: u32) -> String {
    order
}

fn main() {
    let _ = charge(1);
}
