//! A step may be called `spawn`, as the form is; a longer path tells which of them is meant.

use refluxo::prelude::*;

#[step]
async fn spawn(sku: String) -> String {
    sku
}

#[workflow]
async fn sell(sku: String) -> String {
    self::spawn(sku).await
}

fn main() {
    let _ = sell("a".into());
}
