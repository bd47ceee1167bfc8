use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report((first, second): (u32, u32)) -> String {
    let text = load(first).await;
    text + &load(second).await
}

fn main() {
    let _ = report((1, 2));
}
