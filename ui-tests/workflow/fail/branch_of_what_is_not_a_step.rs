use refluxo::prelude::*;

async fn load() -> u8 {
    1
}

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    join!(ship(sku), load());
}

fn main() {
    let _ = sell("a".into());
}
