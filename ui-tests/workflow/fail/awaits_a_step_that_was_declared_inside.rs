use refluxo::prelude::*;

#[workflow]
async fn report(id: u32) -> String {
    #[step]
    async fn load(id: u32) -> String {
        id.to_string()
    }
    load(id).await
}

fn main() {}
