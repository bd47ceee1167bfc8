use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let parts = ship(sku).await?;
    let join = join_all!(for part in ship(parts).await?.split(',') => {
        let part = part.to_owned();
        async move { ship(ship(part).await?).await }
    });
    join.into_iter().collect()
}

fn main() {
    let _ = sell("a".into());
}
