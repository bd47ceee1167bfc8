use std::time::Duration;

use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
struct Approval {
    granted: bool,
}

#[workflow]
async fn ask(days: u64) -> Option<bool> {
    match signal::<Approval>().timeout(Duration::from_secs(days * 86_400)).await {
        Ok(approval) => Some(approval.granted),
        Err(Elapsed) => None,
    }
}

fn main() {
    let _ = ask(3);
}
