use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[step]
async fn count() -> u8 {
    1
}

#[workflow]
async fn sell(sku: String) -> bool {
    try_join!(ship(sku), count()).is_ok()
}

fn main() {
    let _ = sell("a".into());
}
