use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(ids: Vec<u32>) -> usize {
    let all = ids.into_iter().map(async |id| load(id).await);
    all.count()
}

fn main() {}
