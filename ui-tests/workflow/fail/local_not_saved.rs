use refluxo::prelude::*;
use std::time::Instant;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> u128 {
    let begun = Instant::now();
    load(id).await;
    begun.elapsed().as_millis()
}

fn main() {}
