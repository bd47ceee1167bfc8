use refluxo::prelude::*;

#[step]
async fn items() -> impl Iterator<Item = u32> {
    0..3
}

fn main() {
    let _ = items();
}
