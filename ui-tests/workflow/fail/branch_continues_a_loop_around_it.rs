use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    'orders: for _ in 0..3 {
        join!(async move { loop { continue 'orders } }, ship(sku.clone()));
    }
}

fn main() {
    let _ = sell("a".into());
}
