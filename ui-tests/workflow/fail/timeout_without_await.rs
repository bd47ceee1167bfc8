use std::time::Duration;

use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let late = ship(sku).timeout(Duration::from_secs(1));
    drop(late);
}

fn main() {
    let _ = sell("a".into());
}
