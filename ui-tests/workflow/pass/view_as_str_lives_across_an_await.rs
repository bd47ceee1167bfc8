use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(name: String) -> String {
    let name = name.as_str();
    load(1).await + name
}

fn main() {}
