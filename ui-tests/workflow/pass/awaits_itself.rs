use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    n * 2
}

#[workflow]
async fn power(n: u32) -> u32 {
    if n == 0 {
        return 1;
    }
    let before = power(n - 1).await;
    double(before).await
}

fn main() {
    let _ = power(3);
}
