use refluxo::prelude::*;

#[tokio::main]
async fn main() {
    #[step]
    async fn double(n: u32) -> u32 {
        n * 2
    }

    assert_eq!(double(2).await, 4);
}
