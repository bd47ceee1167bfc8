use refluxo::prelude::*;

#[step]
async fn answer(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

#[tokio::main]
async fn main() {
    assert_eq!(answer(true).await, "yes");
}
