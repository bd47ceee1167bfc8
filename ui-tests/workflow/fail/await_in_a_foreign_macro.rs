use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> serde_json::Value {
    serde_json::json!({ "text": load(id).await })
}

fn main() {}
