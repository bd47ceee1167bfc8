use refluxo::prelude::*;

type Result<T> = std::result::Result<T, std::num::ParseIntError>;

#[step]
async fn parse(text: &str) -> Result<u32> {
    Ok(text.parse::<u32>()? + 1)
}

#[tokio::main]
async fn main() {
    assert_eq!(parse("1").await, Ok(2));
    assert!(parse("one").await.is_err());
}
