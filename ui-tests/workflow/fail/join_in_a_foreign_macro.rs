#[allow(unused_macros)]
macro_rules! my {
    ($x:expr) => { $x };
}

use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    my!(join!(ship(sku)));
}

fn main() {
    let _ = sell("a".into());
}
