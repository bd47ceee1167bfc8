//! Several processes on one file, killed with SIGKILL at random moments: nothing that was acknowledged is lost, nothing is
//! done twice, and nobody waits for a dead process's leases.
#![cfg(all(feature = "sqlite", unix))]

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use refluxo::store::{
    Claim, Commit, Committed, Depth, Gate, Head, InputHash, Lane, NewRun, Page, Query, RunId, Session,
    SqliteStore, Start, Status, Store, Synchronous, Then, Uid, Wake, Want,
};

const RUNS: usize = 80;
const STEPS: u64 = 100;
const FILE: &str = "REFLUXO_TEST_FILE";

/// Far longer than the test: a run that waits for a lease is a failure.
const LEASE: Duration = Duration::from_hours(1);

fn id(number: usize) -> RunId {
    RunId::new(format!("run-{number}")).expect("a short id")
}

fn head(status: Status) -> Head {
    Head { status, at: "Here".into(), version: 1, body: Bytes::new() }
}

/// SIGKILL leaves what the operating system has, so the disk need not be waited for.
async fn open(path: impl AsRef<Path>) -> SqliteStore {
    SqliteStore::builder(path).synchronous(Synchronous::Off).open().await.expect("open")
}

/// A worker that nobody kills. In a process that another test has started, it works on the file of that test.
#[tokio::test]
async fn a_worker_takes_all_runs_to_their_end() {
    if let Some(path) = std::env::var_os(FILE) {
        return work(&open(path).await).await;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(folder.path().join("shop.db")).await;
    create_runs(&store).await;
    work(&store).await;
    all_have_ended(&store, &HashMap::new()).await;
}

/// Takes due runs through their steps, one commit each, and prints a line for each commit that was acknowledged.
async fn work(store: &SqliteStore) {
    let session = Session::begin();
    loop {
        let want = Want { queue: "work".into(), version: 1, slots: 4, gate: Gate::default() };
        let claim = Claim { session: session.clone(), keep: LEASE, limit: 4, wants: vec![want] };
        let claimed = store.claim(claim).await.expect("claim").value;
        if claimed.runs.is_empty() && claimed.next_due.is_none() {
            return;
        }
        for (mut lease, record) in claimed.runs {
            // Two steps a turn, so that a kill may come with a lease in hand and after a rest.
            for turn in 0..2 {
                let next = lease.revision.next();
                let mut commit = Commit::new(lease.clone(), head(Status::Ready), record.seen());
                commit.state = Some(Bytes::from(next.to_string()));
                commit.entries = vec![Bytes::from(next.to_string())];
                if next.0 >= STEPS {
                    (commit.then, commit.head) = (Then::End, head(Status::Completed));
                } else if turn == 1 {
                    commit.then = Then::Rest { due: Some(record.row.created) };
                }
                let ended = commit.then == Then::End;
                let Committed::Done { revision, .. } =
                    store.commit(vec![commit]).await.expect("commit").value.remove(0)
                else {
                    panic!("nobody else may have {}", lease.run);
                };
                println!("\ndone {} {revision}", lease.run);
                std::io::stdout().flush().expect("flush");
                lease.revision = revision;
                if ended {
                    break;
                }
            }
        }
    }
}

fn spawn(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "a_worker_takes_all_runs_to_their_end", "--nocapture", "--test-threads=1"]);
    let mut child = command.env(FILE, path).stdout(Stdio::piped()).spawn().expect("a process");
    let lines = BufReader::new(child.stdout.take().expect("its output"));
    (child, lines)
}

/// Reads up to `commits` acknowledged commits; tells whether there were as many.
fn follow(
    lines: &mut BufReader<ChildStdout>,
    commits: usize,
    acknowledged: &mut HashMap<String, u64>,
) -> bool {
    let mut line = String::new();
    let mut seen = 0;
    while seen < commits {
        line.clear();
        if lines.read_line(&mut line).expect("a line") == 0 {
            return false;
        }
        // A line may be cut off by the kill.
        let Some((run, revision)) =
            line.strip_prefix("done ").and_then(|line| line.strip_suffix('\n')?.split_once(' '))
        else {
            continue;
        };
        let last = acknowledged.entry(run.to_owned()).or_default();
        *last = (*last).max(revision.parse().expect("a revision"));
        seen += 1;
    }
    true
}

async fn create_runs(store: &SqliteStore) {
    let new = |number| NewRun {
        id: id(number),
        uid: Uid::random(),
        root: id(number),
        parent: None,
        queue: "work".into(),
        lane: Lane::default(),
        input: InputHash([0; 32]),
        head: head(Status::Ready),
        state: Bytes::new(),
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: Vec::new(),
        start: Start::Now,
    };
    store.create((0..RUNS).map(new).collect()).await.expect("create");
}

/// Two workers at a time; one of them is killed after some commits and another takes its place.
#[tokio::test]
async fn processes_that_are_killed_lose_nothing_and_repeat_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let store = open(&path).await;
    create_runs(&store).await;
    let mut acknowledged = HashMap::new();
    let mut kills = 0_usize;
    let mut workers = vec![spawn(&path), spawn(&path)];
    while let Some((mut child, mut lines)) = workers.pop() {
        // Uneven numbers of commits, so that the kills come at all points of a turn.
        let going = follow(&mut lines, 7 + kills * 5 % 13, &mut acknowledged);
        if going {
            child.kill().expect("SIGKILL");
            kills += 1;
            // What it had printed before counts too.
            while follow(&mut lines, 1, &mut acknowledged) {}
            workers.insert(0, spawn(&path));
        }
        let status = child.wait().expect("its end");
        assert!(going || status.success(), "a worker failed: {status}");
    }
    assert!(kills >= 10, "{kills} kills are too few to show anything");
    all_have_ended(&store, &acknowledged).await;
    drop(store);
    drop(open(&path).await);
    let left: Vec<_> =
        folder.path().read_dir().expect("the folder").map(|f| f.expect("a file").file_name()).collect();
    assert_eq!(left, ["shop.db"], "no lock file is left behind");
}

/// All runs have ended, each of their steps was committed once, and what was acknowledged is there.
async fn all_have_ended(store: &SqliteStore, acknowledged: &HashMap<String, u64>) {
    for number in 0..RUNS {
        let record = store.load(&id(number), Depth::All).await.expect("load").value.expect("no run is lost");
        assert_eq!((record.row.head.status, record.row.revision.0), (Status::Completed, STEPS));
        assert!(record.row.revision.0 >= acknowledged.get(id(number).as_str()).copied().unwrap_or(0));
        let history =
            store.history(&id(number), Page { before: None, limit: u32::MAX }).await.expect("history").value;
        let entries: Vec<_> = history.into_iter().rev().map(|entry| (entry.revision.0, entry.body)).collect();
        let expected: Vec<_> = (1..=STEPS).map(|step| (step, Bytes::from(step.to_string()))).collect();
        assert_eq!(entries, expected, "each step is committed once");
    }
}

/// What another process writes is heard here, without any message between the two.
#[tokio::test]
async fn a_process_hears_what_another_one_writes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    let store = open(&path).await;
    create_runs(&store).await;
    let mut wakes = store.wakes();
    let (mut child, _lines) = spawn(&path);
    let heard = async { while wakes.next().await.expect("the hints go on") != Wake::Any {} };
    assert!(tokio::time::timeout(Duration::from_mins(1), heard).await.is_ok(), "no hint in a minute");
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    let query = Query::Count { filter: refluxo::store::Filter::default(), cap: 1000 };
    store.list(query).await.expect("the file is whole");
}
