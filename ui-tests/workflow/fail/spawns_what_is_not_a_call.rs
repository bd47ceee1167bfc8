use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let parcel = ship(sku);
    spawn(parcel).await;
}

fn main() {
    let _ = sell("a".into());
}
