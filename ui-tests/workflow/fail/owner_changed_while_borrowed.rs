use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(mut name: String) -> String {
    let borrowed = &name;
    load(1).await;
    name.push('!');
    load(2).await + borrowed
}

fn main() {}
