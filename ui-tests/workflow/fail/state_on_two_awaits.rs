use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    #[state(Both)]
    let text = load(id).await + &load(id + 1).await;
    text
}

fn main() {}
