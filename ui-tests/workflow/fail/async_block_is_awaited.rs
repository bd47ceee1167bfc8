use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    async move { ship(sku).await }.await;
}

fn main() {
    let _ = sell("a".into());
}
