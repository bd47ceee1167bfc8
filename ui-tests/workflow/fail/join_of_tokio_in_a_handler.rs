use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    select! {
        _ = ship(sku) => {
            tokio::join!(async { ship("b".into()).await });
        }
    }
}

fn main() {
    let _ = sell("a".into());
}
