use refluxo::prelude::*;

#[step]
async fn r#match(r#type: u32) -> u32 {
    r#type
}

#[tokio::main]
async fn main() {
    assert_eq!(serde_json::to_string(&r#match(1)).unwrap(), r#"{"type":1}"#);
    assert_eq!(r#match(1).await, 1);
}
