use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> u64 {
    let other: Report = report(id + 1);
    let size = serde_json::to_string(&other).unwrap().len();
    load(id).await;
    size as u64
}

fn main() {
    let _ = report(1);
}
