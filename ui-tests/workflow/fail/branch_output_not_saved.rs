use refluxo::prelude::*;

struct Guard;

#[step]
async fn lock() -> Guard {
    Guard
}

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let (_, guard) = join!(ship(sku), lock());
    drop(guard);
}

fn main() {
    let _ = sell("a".into());
}
