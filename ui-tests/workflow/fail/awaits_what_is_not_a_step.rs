use refluxo::prelude::*;

async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    load(id).await
}

fn main() {}
