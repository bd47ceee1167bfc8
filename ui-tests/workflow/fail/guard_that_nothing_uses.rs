use std::sync::Mutex;

use refluxo::prelude::*;

static LOCK: Mutex<u32> = Mutex::new(0);

#[step]
async fn load(id: u32) -> u32 {
    id
}

#[workflow]
async fn report(id: u32) -> u32 {
    let _guard = LOCK.lock().unwrap();
    load(id).await
}

fn main() {}
