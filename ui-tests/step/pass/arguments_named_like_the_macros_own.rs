use refluxo::prelude::*;

#[step]
async fn call(call: u32, fields: u32, value: u32, resources: u32, context: u32, slot: u32) -> u32 {
    call + fields + value + resources + context + slot
}

#[tokio::main]
async fn main() {
    assert_eq!(call(1, 2, 3, 4, 5, 6).await, 21);
    let json = serde_json::to_value(call(1, 2, 3, 4, 5, 6)).unwrap();
    assert_eq!(serde_json::from_value::<call>(json).unwrap().slot, 6);
}
