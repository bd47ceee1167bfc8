use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    #[state(First)]
    let id = id + 1;
    load(id).await
}

fn main() {}
