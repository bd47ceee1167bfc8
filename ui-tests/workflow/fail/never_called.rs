#![deny(dead_code)]
use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    load(id).await
}

fn main() {}
