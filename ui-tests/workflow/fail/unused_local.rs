#![deny(unused_variables)]
use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    let text = load(id).await;
    load(id).await
}

fn main() {
    let _ = report(1);
}
