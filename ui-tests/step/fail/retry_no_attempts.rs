use refluxo::prelude::*;

#[step(retry(attempts = 0))]
async fn charge(order: u32) -> Result<u32, String> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
