use std::time::Duration;

use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
struct Approval {
    by: String,
}

#[step]
async fn remind(turn: u32) {}

#[workflow]
async fn ask() -> String {
    for turn in 0..3 {
        select! {
            Approval { by } = signal::<Approval>() => return by,
            () = sleep(Duration::from_secs(60)) => remind(turn).await,
        }
    }
    "nobody".to_owned()
}

fn main() {
    let _ = ask();
}
