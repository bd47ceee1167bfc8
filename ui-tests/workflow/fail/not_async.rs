use refluxo::prelude::*;

#[workflow]
fn report(id: u32) -> u32 {
    id
}

fn main() {}
