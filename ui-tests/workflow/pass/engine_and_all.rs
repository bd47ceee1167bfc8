use refluxo::prelude::*;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(ids: Vec<u32>) -> String {
    let mut text = String::new();
    for id in &ids {
        text += &load(*id).await;
    }
    text
}

#[tokio::main]
async fn main() {
    let engine = Engine::builder(MemoryStore::new()).register::<Report>().build().await.unwrap();
    let run = engine.start("run", report(vec![1, 2, 3])).await.unwrap();
    assert_eq!(run.result().await.unwrap(), "123");
}
