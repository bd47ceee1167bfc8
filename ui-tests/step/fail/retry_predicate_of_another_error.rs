use refluxo::prelude::*;

fn is_busy(error: &u8) -> bool {
    *error == 0
}

#[step(retry(if = is_busy))]
async fn charge(order: u32) -> Result<u32, String> {
    Ok(order)
}

fn main() {
    let _ = charge(1);
}
