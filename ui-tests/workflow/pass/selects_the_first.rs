use refluxo::prelude::*;

#[derive(Serialize, Deserialize, Signal)]
struct Approval {
    by: String,
}

#[step]
async fn remind(_turn: u32) {}

#[workflow]
async fn ask() -> String {
    for turn in 0..3 {
        select! {
            Approval { by } = signal::<Approval>() => return by,
            () = sleep(std::time::Duration::MAX) => remind(turn).await,
        }
    }
    "nobody".to_owned()
}

fn main() {
    let _ = ask();
}
