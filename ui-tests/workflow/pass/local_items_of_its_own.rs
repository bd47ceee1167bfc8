use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> usize {
    const LONGEST: usize = 3;
    fn short(text: &str) -> usize {
        text.len().min(LONGEST)
    }
    let text = load(id).await;
    short(&text)
}

fn main() {
    let _ = report(1);
}
