use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> Result<u32, String> {
    Ok(id)
}

#[workflow]
async fn report(id: u32) -> u32 {
    load(id).await?
}

fn main() {}
