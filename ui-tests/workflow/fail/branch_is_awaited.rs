use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    let (parcel,) = join!(ship(sku).await);
    parcel.unwrap()
}

fn main() {
    let _ = sell("a".into());
}
