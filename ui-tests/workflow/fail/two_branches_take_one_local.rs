use refluxo::prelude::*;

#[step]
async fn note(text: String) -> String {
    text
}

#[workflow]
async fn both(text: String) -> String {
    let (a, b) = join!(async move { note(text).await }, async move { note(text).await });
    a + &b
}

fn main() {
    let _ = both(String::new());
}
