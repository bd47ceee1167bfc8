use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(names: Vec<String>) -> String {
    let first = &names[0];
    let text = load(1).await;
    text + first
}

fn main() {}
