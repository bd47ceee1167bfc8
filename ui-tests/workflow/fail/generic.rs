use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn keep<T>(value: T) -> T {
    load(1).await;
    value
}

fn main() {}
