use refluxo::prelude::*;

#[workflow]
async fn remind(customer: String) -> String {
    customer
}

#[workflow]
async fn sell(customer: String) -> (RunId, String) {
    let id = spawn(remind(customer.clone())).await;
    (id, customer)
}

fn main() {
    let _ = sell("a".into());
}
