//! What the killed process does: the examples' workflows, with steps that write down that they began.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use refluxo::{observer::Event, prelude::*, store::Synchronous};

/// Where the steps that began and the states that were stored are written down.
pub(crate) const LOG: &str = "log";

/// Where the output is written when the run has ended.
pub(crate) const OUTPUT: &str = "output";

/// The database.
const DATABASE: &str = "runs.db";

/// Writes lines, each whole or not at all.
struct Journal(PathBuf);

impl Journal {
    fn line(&self, line: &str) {
        let mut file = File::options().create(true).append(true).open(&self.0).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// A step has begun.
    fn begun(&self, cx: &StepContext, step: &str) {
        self.line(&format!("{} {step}", cx.idempotency_key()));
    }
}

#[step]
async fn reserve(
    #[inject] journal: &Journal,
    #[inject] cx: &StepContext,
    sku: &str,
) -> Result<String, String> {
    journal.begun(cx, &format!("reserve {sku}"));
    Ok(sku.to_owned())
}

#[step]
async fn charge(#[inject] journal: &Journal, #[inject] cx: &StepContext, amount: u32) -> Result<u32, String> {
    journal.begun(cx, &format!("charge {amount}"));
    Ok(amount)
}

#[step]
async fn ship(#[inject] journal: &Journal, #[inject] cx: &StepContext, held: Vec<String>) {
    journal.begun(cx, &format!("ship {}", held.join(" ")));
}

#[workflow]
async fn checkout(skus: Vec<String>, total: u32) -> Result<String, String> {
    let mut held = Vec::new();
    for sku in &skus {
        held.push(reserve(sku).await?);
    }
    let paid = charge(total).await?;
    sleep(Duration::from_millis(5)).await;
    ship(held).await;
    Ok(format!("paid {paid}"))
}

#[step]
async fn read(#[inject] journal: &Journal, #[inject] cx: &StepContext, records: u32) -> Vec<String> {
    journal.begun(cx, "read");
    // Large enough to be stored beside the state.
    (0..records).map(|number| format!("the record of the number {number}")).collect()
}

#[step]
async fn write(#[inject] journal: &Journal, #[inject] cx: &StepContext, number: usize, record: &str) -> bool {
    journal.begun(cx, &format!("write {number}"));
    record.ends_with(&number.to_string())
}

#[workflow]
async fn import(records: u32) -> BTreeMap<String, u32> {
    let records = read(records).await;
    let mut counts = BTreeMap::new();
    for (number, record) in records.iter().enumerate() {
        if write(number, record).await {
            let kind = if number % 2 == 0 { "even" } else { "odd" };
            *counts.entry(kind.to_owned()).or_insert(0) += 1;
        }
    }
    counts
}

/// The answer to a question.
#[derive(Serialize, Deserialize, Signal)]
struct Approval {
    by: String,
}

#[step]
async fn ask(#[inject] journal: &Journal, #[inject] cx: &StepContext, amount: u32) {
    journal.begun(cx, &format!("ask {amount}"));
}

#[step]
async fn pay(#[inject] journal: &Journal, #[inject] cx: &StepContext, amount: u32) {
    journal.begun(cx, &format!("pay {amount}"));
}

#[workflow]
async fn reimburse(amount: u32) -> Result<String, String> {
    if amount > 100 {
        ask(amount).await;
        let Approval { by } = signal::<Approval>().await;
        pay(amount).await;
        return Ok(format!("{by} agreed"));
    }
    pay(amount).await;
    Err("nobody was asked".into())
}

/// Opens the database.
async fn open(folder: &Path) -> SqliteStore {
    // A process that is killed leaves what it has written to the operating system.
    SqliteStore::builder(folder.join(DATABASE)).synchronous(Synchronous::Off).open().await.unwrap()
}

/// Somebody who agrees, from a process of their own.
pub(crate) struct Approve {
    pub(crate) by: &'static str,
}

impl Approve {
    pub(crate) async fn send(&self, folder: &Path) {
        let engine = Engine::builder(open(folder).await).build().await.unwrap();
        let run = engine.run::<Reimburse>("run").await.unwrap();
        run.signal(Approval { by: self.by.to_owned() }).await.unwrap();
        engine.shutdown().await;
    }
}

/// Works on the one run of the folder until it ends.
pub(crate) async fn work(folder: PathBuf, workflow: &str) {
    let journal = Journal(folder.join(LOG));
    let engine = Engine::builder(open(&folder).await)
        .register::<Checkout>()
        .register::<Import>()
        .register::<Reimburse>()
        .provide(Journal(folder.join(LOG)))
        .witness(move |event| {
            if let Event::Reached(reached) = event {
                journal.line(&format!("stored {}", reached.at));
            }
        })
        .lease(Duration::from_mins(10))
        .poison_limit(u32::MAX)
        .build()
        .await
        .unwrap();
    let output = match workflow {
        "checkout" => {
            let skus = vec!["lamp".to_owned(), "shelf".to_owned()];
            let run = engine.start("run", checkout(skus, 940)).await.unwrap();
            serde_json::to_string(&run.result().await.unwrap())
        }
        "import" => {
            let run = engine.start("run", import(40)).await.unwrap();
            serde_json::to_string(&run.result().await.unwrap())
        }
        "approval" => {
            let run = engine.start("run", reimburse(480)).await.unwrap();
            serde_json::to_string(&run.result().await.unwrap())
        }
        other => panic!("no workflow `{other}`"),
    };
    // There at once or not at all.
    fs::write(folder.join("output.new"), output.unwrap()).unwrap();
    fs::rename(folder.join("output.new"), folder.join(OUTPUT)).unwrap();
}
