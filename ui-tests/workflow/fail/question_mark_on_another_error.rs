use refluxo::prelude::*;

#[step]
async fn parse(text: String) -> Result<u32, String> {
    text.parse().map_err(|_| text)
}

#[workflow]
async fn report(text: String) -> Result<u32, u8> {
    Ok(parse(text).await?)
}

fn main() {}
