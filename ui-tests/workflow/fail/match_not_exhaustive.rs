use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: Option<u32>) -> String {
    match id {
        Some(id) => load(id).await,
    }
}

fn main() {}
