use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    select! {
        Ok(parcel) = ship(sku) => parcel,
    }
}

fn main() {
    let _ = sell("a".into());
}
