use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    select! {
        parcel = ship(sku.clone()), if sku.len() > 1 => parcel.unwrap(),
    }
}

fn main() {
    let _ = sell("a".into());
}
