#![deny(unused_mut)]
use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    let mut text = load(id).await;
    text
}

fn main() {
    let _ = report(1);
}
