use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    join!(async move { ship(sku).await });
    sku
}

fn main() {
    let _ = sell("a".into());
}
