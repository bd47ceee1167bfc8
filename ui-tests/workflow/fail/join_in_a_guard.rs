use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    match sku.len() {
        1 if join!(ship(sku.clone())).0.is_ok() => {}
        _ => {}
    }
}

fn main() {
    let _ = sell("a".into());
}
