#![allow(dead_code)]
use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    n * 2
}

struct Option;
struct Result;
struct String;
struct Vec;
struct Box;
mod std {}

#[workflow]
async fn report(mut id: u32) -> u32 {
    id += double(id).await;
    double(id).await
}

fn main() {
    let _ = report(1);
}
