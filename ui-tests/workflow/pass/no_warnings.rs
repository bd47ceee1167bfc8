//! No warning comes of it.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]
use refluxo::prelude::*;

/// Loads.
#[step]
pub async fn load(id: u32) -> String {
    id.to_string()
}

/// Loads two.
#[workflow]
pub async fn report(first: u32, second: u32) -> String {
    let mut text = load(first).await;
    text += &load(second).await;
    text
}

fn main() {
    let _ = report(1, 2);
}
