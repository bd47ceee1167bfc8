use refluxo::prelude::*;

#[workflow]
async fn report(id: u32) -> String {
    let signal: String = signal().await;
    format!("{id} {signal}")
}

fn main() {}
