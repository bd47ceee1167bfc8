use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Option<String> {
    let (parcel,) = join!(async move {
        for _ in 0..3 {
            if let Ok(parcel) = ship(sku.clone()).await {
                return Some(parcel);
            }
        }
        None
    });
    parcel
}

fn main() {
    let _ = sell("a".into());
}
