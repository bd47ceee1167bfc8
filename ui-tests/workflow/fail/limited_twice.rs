use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let day = std::time::Duration::from_hours(24);
    let _ = ship(sku).timeout(day).timeout(day).await;
}

fn main() {
    let _ = sell("a".into());
}
