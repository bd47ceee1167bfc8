use refluxo::prelude::*;
use std::time::{Duration, SystemTime};

#[workflow]
async fn wait(pause: Duration, until: SystemTime) -> u32 {
    sleep(pause).await;
    sleep_until(until).await;
    1
}

fn main() {
    let _ = wait(Duration::from_secs(1), SystemTime::now());
}
