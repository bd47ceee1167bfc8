use refluxo::prelude::*;

#[step]
async fn greet(name: impl Into<String>) -> String {
    name.into()
}

fn main() {
    let _ = greet("eve");
}
