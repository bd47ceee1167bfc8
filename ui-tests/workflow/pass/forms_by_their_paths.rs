use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    refluxo::compensate!(ship(sku.clone()));
    let (parcel,) = refluxo::prelude::join!(ship(sku));
    parcel
}

fn main() {
    let _ = sell("a".into());
}
