use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(ids: Vec<u32>) -> u32 {
    let large = ids.iter().filter(|id| **id > 10).count() as u32;
    let text = load(large).await;
    text.chars().filter_map(|digit| digit.to_digit(10)).sum()
}

fn main() {
    let _ = report(vec![]);
}
