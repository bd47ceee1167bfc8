use refluxo::prelude::*;

use serde::de::DeserializeOwned;

#[step]
async fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

#[workflow]
async fn sum(text: String) -> Result<u32, String> {
    let numbers = parse::<Vec<u32>>(&text).await?;
    Ok(numbers.iter().sum())
}

fn main() {
    let _ = sum("[1]".into());
}
