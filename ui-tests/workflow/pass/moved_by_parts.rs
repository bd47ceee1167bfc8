use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[derive(Serialize, Deserialize)]
struct Pair {
    first: String,
    second: String,
}

#[workflow]
async fn report(pair: Pair) -> String {
    drop(pair.first);
    load(1).await + &pair.second
}

fn main() {
    let _ = report(Pair { first: "a".into(), second: "b".into() });
}
