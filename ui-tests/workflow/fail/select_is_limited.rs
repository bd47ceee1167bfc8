use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    select! { parcel = ship(sku) => parcel }.timeout(std::time::Duration::MAX).await;
}

fn main() {
    let _ = sell("a".into());
}
