use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> u32 {
    let later = async { load(id).await };
    drop(later);
    id
}

fn main() {}
