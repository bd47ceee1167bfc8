use refluxo::prelude::*;

#[step]
async fn ship(sku: String) -> Result<String, String> {
    Ok(sku)
}

#[workflow]
async fn sell(sku: String) -> () {
    let a = || sku.clone();
    join!(
        ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()),
        ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()), ship(a()),
    );
}

fn main() {
    let _ = sell("a".into());
}
