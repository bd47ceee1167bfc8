use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(ids: Vec<u32>) {
    for id in ids {
        if load(id).await.is_empty() {
            return;
        }
    }
}

fn main() {
    let _ = report(vec![]);
}
