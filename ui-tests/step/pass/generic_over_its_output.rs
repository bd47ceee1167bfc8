use refluxo::prelude::*;
use serde::de::DeserializeOwned;

#[step]
async fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[tokio::main]
async fn main() {
    assert_eq!(parse::<u32>("1").await, Ok(1));
}
