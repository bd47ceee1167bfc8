use refluxo::prelude::*;

type Outcome<T> = Result<T, String>;

#[step(retry())]
async fn charge(order: u32) -> Outcome<u32> {
    Ok(order)
}

#[step(retry(attempts = 2), name = "tick")]
async fn tick() {}

#[step(retry(if = |error: &std::num::ParseIntError| !error.to_string().is_empty()))]
async fn parse<T: std::str::FromStr<Err = std::num::ParseIntError> + Serialize>(text: &str) -> Result<T, T::Err> {
    text.parse()
}

fn main() {
    let _ = (charge(1), tick(), parse::<u8>("1"));
}
