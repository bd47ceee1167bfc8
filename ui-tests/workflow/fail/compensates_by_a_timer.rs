use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    compensate!(sleep(std::time::Duration::MAX));
    sku
}

fn main() {
    let _ = sell("a".into());
}
