use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    join_all!(for _ in 0..3 => ship(ship(sku.clone()).await.unwrap()));
}

fn main() {
    let _ = sell("a".into());
}
