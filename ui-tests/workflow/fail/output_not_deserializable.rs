use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[derive(Serialize)]
struct Text(String);

#[workflow]
async fn report(id: u32) -> Text {
    Text(load(id).await)
}

fn main() {}
