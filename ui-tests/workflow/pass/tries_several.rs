use std::time::Duration;

use refluxo::prelude::*;

#[step]
async fn mail(to: &str) -> Result<u32, String> {
    Ok(to.len() as u32)
}

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let (_, parcel) = try_join!(mail(&sku), ship(sku.clone()))?;
    let late = join!(ship(parcel.clone()), mail(&sku)).timeout(Duration::from_secs(1)).await;
    Ok(if late.is_err() { sku } else { parcel })
}

fn main() {
    let _ = sell("a".into());
}
