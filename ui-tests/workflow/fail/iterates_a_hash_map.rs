use refluxo::prelude::*;
use std::collections::HashMap;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(names: HashMap<u32, String>) -> usize {
    let mut length = 0;
    for (id, name) in &names {
        length += load(*id).await.len() + name.len();
    }
    length
}

fn main() {}
