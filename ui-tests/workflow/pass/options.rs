use refluxo::prelude::*;
use refluxo::machine::Machine;

#[step]
async fn load(id: u32) -> String {
    id.to_string()
}

/// Loads.
#[workflow(name = "daily-report", version = 3, enum = DailyReport)]
async fn report(id: u32) -> String {
    load(id).await
}

fn main() {
    assert_eq!((DailyReport::NAME, DailyReport::VERSION), ("daily-report", 3));
    let _: DailyReport = report(1);
}
