//! A million sleeping runs, on SQLite and on PostgreSQL: the memory of the engine's process as they go to sleep, how soon one
//! among them that is due begins its next step, and what a claim takes.
//!
//! Fewer of them: `cargo bench -p refluxo --bench sleepers --all-features -- 100000`.

#[allow(dead_code, unreachable_pub, reason = "the tests need more of it")]
#[path = "../tests/support/postgres.rs"]
mod postgres;

use std::{
    num::NonZeroU64,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use refluxo::{
    prelude::*,
    store::{
        Claim, Commit, Gate, Head, InputHash, Lane, NewRun, RunId, Session, Start, Status, Store, Then, Uid,
        Want,
    },
    time::Timestamp,
};
use tokio::{runtime::Runtime, sync::mpsc};

/// How many sleep, if it isn't said.
const SLEEPERS: u64 = 1_000_000;

/// How many are put to sleep at once.
const AT_ONCE: usize = 256;

/// How often the wake-up and the claim are measured.
const ROUNDS: usize = 50;

/// Told when a run's next step begins.
#[derive(Clone)]
struct Woken(mpsc::UnboundedSender<Instant>);

#[step]
async fn wake(#[inject] woken: &Woken) {
    let _ = woken.0.send(Instant::now());
}

#[workflow]
async fn nap(end: Timestamp) {
    sleep_until(end).await;
    wake().await;
}

fn main() {
    let asked = std::env::args().skip(1).find_map(|text| text.parse::<NonZeroU64>().ok());
    let sleepers = asked.map_or(SLEEPERS, NonZeroU64::get);
    let runtime = Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    runtime.block_on(async {
        let store = SqliteStore::open(folder.path().join("runs.db")).await.expect("the file opens");
        measure("SQLite", store, sleepers).await;
    });
    postgres::IS_DURABLE.store(true, Ordering::Relaxed);
    if postgres::url().is_some() {
        runtime.block_on(async {
            let store = postgres::Schema::new().builder().connect().await.expect("the store opens");
            measure("PostgreSQL", store, sleepers).await;
        });
    }
}

async fn measure(name: &str, store: impl Store + Clone, sleepers: u64) {
    let (sender, mut woken) = mpsc::unbounded_channel();
    let builder = Engine::builder(store.clone()).register::<Nap>().provide(Woken(sender));
    let engine = builder.build().await.expect("an engine");
    let start = Instant::now();
    for tenth in 0..10 {
        put_to_sleep(&engine, sleepers * tenth / 10..sleepers * (tenth + 1) / 10).await;
        println!("{name}: {} asleep, {} MB", sleepers * (tenth + 1) / 10, resident());
    }
    println!("{name}: all asleep after {:.0} s", start.elapsed().as_secs_f64());
    report(&format!("{name}: from a sleep's end to the next step"), wakes(&engine, &mut woken).await);
    report(&format!("{name}: a claim of the one that is due"), claims(&store).await);
    engine.shutdown().await;
}

/// Starts runs that sleep for a year.
async fn put_to_sleep(engine: &Engine, numbers: std::ops::Range<u64>) {
    let end = Timestamp::now().saturating_add(Duration::from_hours(365 * 24));
    let started = stream::iter(numbers).map(async |number| {
        engine.start(format!("sleeper-{number}"), nap(end)).await.expect("the run starts");
    });
    started.buffer_unordered(AT_ONCE).collect::<()>().await;
    while engine.runs().of::<Nap>().status(Status::Ready).count().await.expect("a count") > 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// How long after the end of its sleep a run's next step begins.
async fn wakes(engine: &Engine, woken: &mut mpsc::UnboundedReceiver<Instant>) -> Vec<Duration> {
    let mut late = Vec::new();
    for round in 0..ROUNDS {
        let sleep = Duration::from_millis(500);
        let (end, due) = (Timestamp::now().saturating_add(sleep), Instant::now() + sleep);
        engine.start(format!("early-{round}"), nap(end)).await.expect("the run starts");
        let woken = woken.recv().await.expect("it is woken");
        late.push(woken.saturating_duration_since(due));
    }
    late
}

/// How long the store takes to claim a run that is due among those that are not.
async fn claims(store: &impl Store) -> Vec<Duration> {
    let session = Session::begin();
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        store.create(vec![due(round)]).await.expect("create");
        let claim = Claim {
            session: session.clone(),
            keep: Duration::from_mins(1),
            limit: 10,
            wants: vec![Want { queue: "due".into(), version: 1, slots: 10, gate: Gate::default() }],
        };
        let start = Instant::now();
        let claimed = store.claim(claim).await.expect("claim").value;
        times.push(start.elapsed());
        let [(lease, record)] = &claimed.runs[..] else { panic!("{claimed:?}") };
        let head = Head { status: Status::Completed, ..record.row.head.clone() };
        let end = Commit { then: Then::End, ..Commit::new(lease.clone(), head, record.seen()) };
        store.commit(vec![end]).await.expect("commit");
    }
    times
}

/// A run that is due.
fn due(round: usize) -> NewRun {
    let id = RunId::new(format!("due-{round}")).expect("an id");
    NewRun {
        root: id.clone(),
        id,
        uid: Uid::random(),
        parent: None,
        queue: "due".into(),
        lane: Lane::default(),
        input: InputHash([7; 32]),
        head: Head { status: Status::Ready, at: "Wake".into(), version: 1, body: Bytes::from_static(b"{}") },
        state: Bytes::from_static(b"{}"),
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: Vec::new(),
        start: Start::Now,
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{what}: median {:.2} ms, most {:.2} ms", millis(median), millis(most));
}

/// This process's memory, in megabytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
}
