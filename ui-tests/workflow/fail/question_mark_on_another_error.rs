use refluxo::prelude::*;

#[step]
async fn parse(text: String) -> Result<u32, String> {
    text.parse().map_err(|_| text)
}

#[derive(Serialize, Deserialize)]
struct ShopError;

#[workflow]
async fn report(text: String) -> Result<u32, ShopError> {
    Ok(parse(text).await?)
}

fn main() {}
