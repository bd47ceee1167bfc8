use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    join_all!(for n in 0..3 => ship(format!("{sku}{n}")), limit = 0);
}

fn main() {
    let _ = sell("a".into());
}
