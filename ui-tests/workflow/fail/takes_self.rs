use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

struct Shop;

impl Shop {
    #[workflow]
    async fn report(&self, id: u32) -> String {
        load(id).await
    }
}

fn main() {
    let _ = Shop.report(1);
}
