use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let (first, second) = join!(ship(ship(sku.clone()).await?), ship(sku));
    Ok(first? + &second?)
}

fn main() {
    let _ = sell("a".into());
}
