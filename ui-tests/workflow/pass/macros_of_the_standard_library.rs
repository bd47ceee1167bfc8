use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(id: u32) -> Vec<String> {
    println!("{}", load(id).await);
    assert_eq!(load(id).await, id.to_string(), "{id}");
    vec![load(id).await, format!("{id} {}", load(id + 1).await)]
}

fn main() {
    let _ = report(1);
}
