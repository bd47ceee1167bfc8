//! What the workflows are about.

use refluxo::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) sku: String,
    pub(crate) count: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) customer: String,
    pub(crate) items: Vec<Item>,
}

pub(crate) fn order() -> Order {
    let item = |sku: &str, count| Item { sku: sku.into(), count };
    Order { id: "o1".into(), customer: "eve".into(), items: vec![item("ink", 2), item("pen", 3)] }
}

#[step]
pub(crate) async fn double(n: u32) -> u32 {
    2 * n
}

#[step]
pub(crate) async fn check(n: u32) -> Result<u32, String> {
    if n > 100 { Err(format!("{n} is too much")) } else { Ok(n) }
}

#[step]
pub(crate) async fn note(text: String) -> String {
    format!("<{text}>")
}

#[step]
pub(crate) async fn release(n: u32) {
    let _ = n;
}
