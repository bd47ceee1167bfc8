use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(title: &str, ids: &[u32], last: &Option<u32>) -> String {
    let mut text = title.to_owned();
    for id in ids.iter().chain(last).copied().collect::<Vec<_>>() {
        text += &load(id).await;
    }
    text
}

fn main() {
    let _ = report("one", &[1], &None);
}
