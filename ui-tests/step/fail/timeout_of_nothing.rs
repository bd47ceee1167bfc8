use refluxo::prelude::*;

#[step(timeout = "0s")]
async fn charge(order: u32) -> Result<u32, String> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
