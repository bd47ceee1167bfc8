use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

fn both() {
    let _ = join!(ship(String::new()));
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    Ok(sku)
}

fn main() {
    let _ = sell("a".into());
}
