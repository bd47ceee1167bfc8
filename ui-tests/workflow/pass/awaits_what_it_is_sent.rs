use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[derive(Serialize, Deserialize, Signal)]
struct Approval(bool);

#[workflow]
async fn decide(id: u32) -> bool {
    drop(load(id).await);
    signal::<Approval>().await.0
}

#[tokio::main]
async fn main() {
    let engine = Engine::builder(MemoryStore::new()).register::<Decide>().build().await.unwrap();
    let run = engine.start("run", decide(1)).await.unwrap();
    run.signal(Approval(true)).await.unwrap();
    assert!(run.result().await.unwrap());
}
