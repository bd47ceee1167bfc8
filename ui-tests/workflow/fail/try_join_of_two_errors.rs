use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[step]
async fn parse() -> Result<u8, u8> {
    Ok(1)
}

#[workflow]
async fn sell(sku: String) -> bool {
    try_join!(ship(sku), parse()).is_ok()
}

fn main() {
    let _ = sell("a".into());
}
