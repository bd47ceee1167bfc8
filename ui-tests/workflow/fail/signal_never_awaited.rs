use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[derive(Serialize, Deserialize, Signal)]
struct Approval;

#[workflow]
async fn report(id: u32) -> String {
    load(id).await
}

async fn approve(run: Run<Report>) {
    let _ = run.signal(Approval).await;
}

fn main() {
    let _ = (approve, report(1));
}
