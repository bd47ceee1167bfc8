use refluxo::prelude::*;

struct Shop;

impl Shop {
    async fn load(&self) {}
}

#[workflow]
async fn report(id: u32) -> u32 {
    Shop.load().await;
    id
}

fn main() {}
