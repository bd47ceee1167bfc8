use refluxo::prelude::*;

#[step(retry(attempts = 2, attempts = 3))]
async fn charge(order: u32) -> Result<u32, String> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
