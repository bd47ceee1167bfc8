use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let _ = ship(sku).await;
}

fn main() {
    let _ = sell("a".into());
}
