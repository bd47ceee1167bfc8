use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn page(id: u32) -> String {
    load(id).await
}

#[workflow]
async fn book(pages: u32) -> String {
    let mut text = String::new();
    for id in 0..pages {
        text += &page(id).await;
    }
    text
}

fn main() {
    let _ = book(1);
}
