use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    loop {
        join!(async move { break }, ship(sku.clone()));
    }
}

fn main() {
    let _ = sell("a".into());
}
