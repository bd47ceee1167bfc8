use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32, title: String) -> String {
    let text = load(id).await;
    title + &text
}

fn title(report: &Report) -> &str {
    match report {
        Report::Start { title, .. } => title,
        Report::Load { call, title } => if call.id > 0 { title } else { "" },
    }
}

fn main() {
    assert_eq!(title(&report(1, "one".into())), "one");
}
