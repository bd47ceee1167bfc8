use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    select! {
        parcel = ship(sku) => parcel.unwrap(),
        else => String::new(),
    }
}

fn main() {
    let _ = sell("a".into());
}
