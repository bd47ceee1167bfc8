use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[cfg(any())]
#[workflow]
async fn report(id: DoesNotExist) {}

#[workflow]
async fn report(id: u32) -> String {
    load(id).await
}

fn main() {
    let _ = report(1);
}
