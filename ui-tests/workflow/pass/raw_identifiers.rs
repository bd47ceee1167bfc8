use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn r#match(r#type: u32) -> String {
    let r#loop = load(r#type).await;
    load(r#type).await + &r#loop
}

fn main() {
    let _ = r#match(1);
}
