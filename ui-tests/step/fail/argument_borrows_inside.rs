use refluxo::prelude::*;

#[step]
async fn greet(name: Option<&str>) -> usize {
    name.map_or(0, str::len)
}

fn main() {
    let _ = greet(Some("eve"));
}
