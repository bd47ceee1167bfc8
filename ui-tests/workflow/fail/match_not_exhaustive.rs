use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[derive(Serialize, Deserialize)]
enum Wanted {
    One(u32),
    Nothing,
}

#[workflow]
async fn report(wanted: Wanted) -> String {
    match wanted {
        Wanted::One(id) => load(id).await,
    }
}

fn main() {}
