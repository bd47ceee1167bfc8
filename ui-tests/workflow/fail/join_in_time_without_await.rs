use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let late = join!(ship(sku)).timeout(std::time::Duration::from_secs(1));
    drop(late);
}

fn main() {
    let _ = sell("a".into());
}
