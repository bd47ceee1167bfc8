use refluxo::prelude::*;

#[step]
async fn charge<'a>(order: &'a str) -> usize {
    order.len()
}

fn main() {
    let _ = charge("o-1");
}
