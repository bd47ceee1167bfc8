use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    #[state(Same)]
    let first = load(id).await;
    #[state(Same)]
    let second = load(id + 1).await;
    first + &second
}

fn main() {}
