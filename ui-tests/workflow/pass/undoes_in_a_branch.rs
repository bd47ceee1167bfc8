use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let held = try_join!(
        async move {
            let parcel = ship(sku.clone()).await?;
            compensate!(ship(sku));
            Ok::<_, String>(parcel)
        },
        ship("b".into()),
    );
    held.map(|(left, right)| left + &right)
}

fn main() {
    let _ = sell("a".into());
}
