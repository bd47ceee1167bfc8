use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> String {
    let text = load(id).await;
    let outer = &text;
    let text = load(id + 1).await;
    let last = load(id + 2).await;
    format!("{outer} {text} {last}")
}

fn main() {
    let _ = report(1);
}
