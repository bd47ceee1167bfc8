use refluxo::prelude::*;

use refluxo::{Context, Result};

#[step]
async fn parse(text: &str) -> Result<u32> {
    text.parse().context("not a number")
}

#[workflow]
async fn report(text: String) -> Result<u32> {
    let number = parse(&text).await?;
    Ok(u32::from_str_radix(&text, 16)? + number)
}

fn main() {
    let _ = report("1".into());
}
