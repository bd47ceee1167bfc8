use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow(typed)]
async fn report(id: u32) -> String {
    let prefix: String = id.to_string();
    let text = load(id).await;
    prefix + &text
}

fn main() {
    let _ = report(1);
}
