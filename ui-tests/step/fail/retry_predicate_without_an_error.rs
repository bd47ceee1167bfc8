use refluxo::prelude::*;

#[step(retry(if = Option::is_some))]
async fn charge(order: u32) -> u32 {
    order
}

fn main() {
    let _ = charge(1);
}
