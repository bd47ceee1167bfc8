use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> bool {
    let (sent,) = join!(async move {
        let id: u8 = ship(sku).await?.parse()?;
        Ok::<_, String>(id)
    });
    sent.is_ok()
}

fn main() {
    let _ = sell("a".into());
}
