use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let call = ship(sku.clone());
    let _ = join!(call, ship(sku));
}

fn main() {
    let _ = sell("a".into());
}
