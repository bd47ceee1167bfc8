use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[derive(Serialize, Deserialize)]
struct Order(u32);

#[workflow]
async fn order(order: Order) -> String {
    load(order.0).await
}

fn main() {}
