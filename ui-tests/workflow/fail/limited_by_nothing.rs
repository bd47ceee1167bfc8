use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let _ = ship(sku).timeout().await;
}

fn main() {
    let _ = sell("a".into());
}
