use refluxo::prelude::*;
use std::fmt::Display;

#[step]
async fn show(what: &dyn Display) -> String {
    what.to_string()
}

fn main() {
    let _ = show(&1);
}
