use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32, title: Option<&str>) -> String {
    let text = load(id).await;
    title.unwrap_or(&text).to_owned()
}

fn main() {}
