#![allow(dead_code)]
use refluxo::prelude::*;

struct Option;
struct Result;
struct String;
struct Vec;
struct Box;
struct Some;
struct Ok;
trait Send {}
trait Clone {}
mod std {}
mod core {}

#[step]
async fn charge(order: u32, name: &str, list: &[u8]) -> usize {
    order as usize + name.len() + list.len()
}

fn main() {
    let _ = charge(1, "one", &[]);
}
