use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(a: String, b: String) -> String {
    let mut name = &a;
    if load(1).await.is_empty() {
        name = &b;
    }
    load(2).await + name
}

fn main() {}
