use refluxo::prelude::*;

#[step(concurrency = 0)]
async fn charge(order: u32) -> Result<u32, String> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
