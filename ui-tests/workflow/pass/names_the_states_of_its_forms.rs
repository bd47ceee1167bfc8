use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    #[state(Both)]
    let both = join!(ship(sku.clone()), #[state(Slow)] async move { ship(sku).await });
    #[state(First)]
    select! {
        parcel = ship("a".into()) => parcel.or(both.0),
        () = sleep(std::time::Duration::from_secs(1)) => ship("b".into()).await,
    }
}

fn main() {
    let _ = sell("a".into());
}
