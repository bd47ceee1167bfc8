use refluxo::prelude::*;

#[step(timeout = "2m")]
async fn charge(order: u32) -> refluxo::Result<u32> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
