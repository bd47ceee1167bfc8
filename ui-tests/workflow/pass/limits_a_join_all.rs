use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> bool {
    let limit = sku.len();
    let join = join_all!(for n in 0..limit => ship(n.to_string()), limit = limit);
    let day = std::time::Duration::from_hours(24);
    match join_all!(for part in join => ship(part.unwrap_or_default())).timeout(day).await {
        Ok(parcels) => parcels.len() == limit,
        Err(Elapsed) => false,
    }
}

fn main() {
    let _ = sell("a".into());
}
