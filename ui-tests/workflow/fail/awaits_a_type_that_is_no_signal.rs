use refluxo::prelude::*;

#[derive(Serialize, Deserialize)]
struct Approval;

#[workflow]
async fn report(id: u32) -> u32 {
    signal::<Approval>().await;
    id
}

fn main() {}
