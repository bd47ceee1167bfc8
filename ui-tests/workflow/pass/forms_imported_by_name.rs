#![deny(warnings)]
use refluxo::{compensate, join, join_all, prelude::spawn, select, step, try_join, workflow};

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    compensate!(ship(sku.clone()));
    spawn(sell("b".into())).await;
    let (left, right) = try_join!(ship(sku.clone()), async move {
        let (parcel,) = join!(ship(sku.clone()));
        select! { _ = ship(sku) => parcel }
    })?;
    let all = join_all!(for sku in [left, right] => ship(sku));
    all.into_iter().collect()
}

fn main() {
    let _ = sell("a".into());
}
