use refluxo::prelude::*;

#[step(retry(initial = "2m", max = "1m"))]
async fn charge(order: u32) -> Result<u32, String> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
