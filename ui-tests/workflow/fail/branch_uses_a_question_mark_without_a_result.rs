use refluxo::prelude::*;

#[step]
async fn check(n: u32) -> Result<u32, String> {
    Ok(n)
}

#[workflow]
async fn sum(n: u32) -> u32 {
    let (a, _) = join!(async move { check(n).await? + 1 }, check(1));
    a
}

fn main() {
    let _ = sum(1);
}
