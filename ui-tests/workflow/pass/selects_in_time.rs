#![deny(warnings)]
use refluxo::prelude::*;
use std::time::Duration;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    for hours in 1..4 {
        #[state(Offered)]
        let offered: Result<(), Elapsed> = select! {
            parcel = ship(sku.clone()) => return parcel,
            other = async move { ship("b".into()).await } => if other? == "b" { break },
        }
        .timeout(Duration::from_hours(hours)).await;
        let _ = select! { parcel = ship(sku.clone()) => return parcel }.timeout(Duration::ZERO).await.is_err();
        offered.map_err(|late| late.to_string())?;
    }
    Err("late".into())
}
fn main() { let _ = sell("a".into()); }
