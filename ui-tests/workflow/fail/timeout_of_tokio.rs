use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), ship(sku)).await;
}

fn main() {
    let _ = sell("a".into());
}
