use refluxo::prelude::*;

#[workflow]
struct Report {
    id: u32,
}

fn main() {}
