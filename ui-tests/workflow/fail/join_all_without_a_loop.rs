use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    join_all!(ship(sku));
}

fn main() {
    let _ = sell("a".into());
}
