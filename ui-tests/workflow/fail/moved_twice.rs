use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(name: String) -> String {
    let moved = name;
    load(1).await;
    name + &moved
}

fn main() {
    let _ = report("a".into());
}
