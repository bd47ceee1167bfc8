use refluxo::prelude::*;

#[step]
async fn add((a, b): (u32, u32)) -> u32 {
    a + b
}

fn main() {
    let _ = add((1, 2));
}
