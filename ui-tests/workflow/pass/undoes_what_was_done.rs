use refluxo::prelude::*;

#[step]
async fn reserve(sku: &str) -> Result<u32, String> {
    Ok(sku.len() as u32)
}

#[step]
async fn release(_id: u32) {}

#[workflow]
async fn sell(skus: Vec<String>) -> Result<(), String> {
    for sku in &skus {
        let id = reserve(sku).await?;
        compensate!(release(id));
    }
    Ok(())
}

fn main() {
    let _ = sell(Vec::new());
}
