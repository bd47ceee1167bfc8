use refluxo::prelude::*;

#[step]
async fn greet(name: &'static str) -> usize {
    name.len()
}

fn main() {
    let _ = greet("eve");
}
