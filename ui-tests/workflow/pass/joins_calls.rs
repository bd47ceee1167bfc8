use refluxo::prelude::*;

#[step]
async fn mail(to: &str) -> Result<u32, String> {
    Ok(to.len() as u32)
}

#[step]
async fn ship(sku: String) -> String {
    sku
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let (mailed, parcel) = join!(mail(&sku), ship(sku.clone()));
    mailed?;
    Ok(parcel)
}

fn main() {
    let _ = sell("a".into());
}
