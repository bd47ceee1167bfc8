use refluxo::prelude::*;
use std::sync::Mutex;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

#[workflow]
async fn report(lock: u32) -> u32 {
    let lock = Mutex::new(lock);
    let guard = lock.lock().unwrap();
    load(1).await;
    *guard
}

fn main() {}
