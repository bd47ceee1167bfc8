use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> String {
    let text = format!("{:?} {}", join!(ship(sku.clone()), ship(sku.clone())), sku);
    assert!(join!(ship(text.clone())).0.is_ok());
    text
}

fn main() {
    let _ = sell("a".into());
}
