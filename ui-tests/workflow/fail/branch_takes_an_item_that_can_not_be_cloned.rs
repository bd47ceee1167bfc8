use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    2 * n
}

#[derive(Serialize, Deserialize)]
struct Item {
    count: u32,
}

#[workflow]
async fn sum(items: Vec<Item>) -> Vec<u32> {
    join_all!(for item in &items => async move { double(item.count).await })
}

fn main() {
    let _ = sum(Vec::new());
}
