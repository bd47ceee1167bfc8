use refluxo::prelude::*;
use std::borrow::Cow;

#[step]
async fn greet(name: Cow<'_, str>) -> usize {
    name.len()
}

fn main() {
    let _ = greet("eve".into());
}
