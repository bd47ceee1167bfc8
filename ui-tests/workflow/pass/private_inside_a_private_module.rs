mod shop {
    use refluxo::prelude::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Order(u32);

    #[step]
    async fn sell(order: Order) -> u32 {
        order.0
    }

    #[workflow]
    async fn sale(order: Order) -> u32 {
        sell(order.clone()).await + order.0
    }

    pub fn begin() {
        let _ = sale(Order(1));
    }
}

fn main() {
    shop::begin();
}
