use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    compensate!(ship(sku).timeout(std::time::Duration::MAX));
}

fn main() {
    let _ = sell("a".into());
}
