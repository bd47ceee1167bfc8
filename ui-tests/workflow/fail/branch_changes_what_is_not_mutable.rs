use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    2 * n
}

#[workflow]
async fn count(n: u32) -> u32 {
    let count = 0;
    let (count, _) = join!(
        async move {
            count += double(n).await;
            count
        },
        double(1),
    );
    count
}

fn main() {
    let _ = count(1);
}
