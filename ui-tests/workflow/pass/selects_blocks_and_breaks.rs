use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let parcel = loop {
        select! {
                parcel = async move { ship(sku).await?; Ok::<_, String>("a".to_owned()) } => break parcel?,
            late = ship("b".into()).timeout(std::time::Duration::from_secs(1)) => match late {
                Ok(parcel) => return parcel,
                Err(Elapsed) => return Err("late".into()),
            },
        }
    };
    ship(parcel).await
}

fn main() {
    let _ = sell("a".into());
}
