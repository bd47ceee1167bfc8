use refluxo::{step, workflow};

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let _ = join!(ship(sku));
}

fn main() {
    let _ = sell("a".into());
}
