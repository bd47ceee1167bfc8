use refluxo::prelude::*;

struct Shop;

impl Shop {
    #[step]
    async fn charge(&self, #[inject] _bank: &u32, order: u32) -> u32 {
        order
    }
}

fn main() {
    let _ = Shop.charge(&1, 2);
}
