use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(mut id: u32) -> String {
    while load(id).await.len() < 3 {
        id *= 10;
    }
    load(id).await
}

fn main() {
    let _ = report(1);
}
