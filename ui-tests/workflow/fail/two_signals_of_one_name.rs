use refluxo::prelude::*;

mod hr {
    #[derive(serde::Serialize, serde::Deserialize, refluxo::Signal)]
    pub struct Approval;
}
mod it {
    #[derive(serde::Serialize, serde::Deserialize, refluxo::Signal)]
    pub struct Approval;
}

#[workflow]
async fn report(id: u32) -> u32 {
    signal::<hr::Approval>().await;
    signal::<it::Approval>().await;
    id
}

fn main() {}
