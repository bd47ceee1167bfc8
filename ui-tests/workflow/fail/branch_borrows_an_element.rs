use refluxo::prelude::*;

#[step]
async fn note(text: String) -> String {
    text
}

#[workflow]
async fn first(names: Vec<String>) -> String {
    let name = &names[0];
    let (first, _) = join!(async move { note(name.clone()).await }, note(String::new()));
    first
}

fn main() {
    let _ = first(Vec::new());
}
