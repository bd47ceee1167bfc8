use refluxo::prelude::*;

type Result<T> = std::result::Result<T, String>;

#[step]
async fn parse(text: &str) -> Result<u32> {
    text.parse().map_err(|_| text.to_owned())
}

#[workflow]
async fn sum(text: String) -> Result<u32> {
    Ok(parse(&text).await? + parse(&text).await?)
}

fn main() {
    let _ = sum("1".into());
}
