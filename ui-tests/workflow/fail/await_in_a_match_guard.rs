use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> u32 {
    match id {
        0 => 0,
        id if load(id).await.is_empty() => 1,
        _ => 2,
    }
}

fn main() {}
