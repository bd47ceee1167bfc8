use refluxo::prelude::*;

#[step]
async fn double(n: u32) -> u32 {
    2 * n
}

#[workflow]
async fn both(n: u32) -> u32 {
    let (a, b) = join!(
        #[state(Half)]
        async move { double(n).await },
        #[state(Half)]
        async move { double(n).await },
    );
    a + b
}

fn main() {
    let _ = both(1);
}
