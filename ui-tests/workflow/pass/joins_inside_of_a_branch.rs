use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> Result<String, String> {
    let (both, last) = join!(
        async move {
            let (left, right) = join!(ship(sku.clone()), ship(sku));
            left.or(right)
        },
        ship("b".into()),
    );
    both.and(last)
}

fn main() {
    let _ = sell("a".into());
}
