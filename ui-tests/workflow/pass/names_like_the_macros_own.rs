use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn run(call: u32, state: u32, block: u32) -> String {
    let output = load(call).await;
    let outcome = load(state + block).await;
    let changes = load(call).await;
    output + &outcome + &changes
}

fn main() {
    let _ = run(1, 2, 3);
}
