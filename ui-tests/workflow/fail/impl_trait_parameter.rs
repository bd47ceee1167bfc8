use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: impl Into<u32>) -> String {
    load(id.into()).await
}

fn main() {}
