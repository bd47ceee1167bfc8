//! What is particular to a store in a file: who may open it, what it says when the file fails, and what it leaves behind.
#![cfg(feature = "sqlite")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt;
use refluxo::store::{
    Claim, Claimed, Commit, Committed, Created, Depth, Filter, Gate, Head, InputHash, Lane, Lease, NewRun,
    Page, RunId, Seq, Session, SqliteOpenError, SqliteStore, Start, Status, Store, StoreError, Synchronous,
    Then, Uid, Wake, Want,
};
use rusqlite::Connection;

fn id(name: &str) -> RunId {
    RunId::new(name).expect("a short id")
}

fn head(status: Status) -> Head {
    Head { status, at: "Here".into(), version: 1, body: Bytes::new() }
}

fn run(name: &str, start: Start) -> NewRun {
    NewRun {
        id: id(name),
        uid: Uid::random(),
        root: id(name),
        parent: None,
        queue: "work".into(),
        lane: Lane::default(),
        input: InputHash([0; 32]),
        head: head(Status::Ready),
        state: Bytes::from_static(b"first"),
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: Vec::new(),
        start,
    }
}

fn claim(session: &Session) -> Claim {
    let want = Want { queue: "work".into(), version: 1, slots: 10, gate: Gate::default() };
    Claim { session: session.clone(), keep: Duration::from_hours(1), limit: 10, wants: vec![want] }
}

async fn open(path: &Path) -> SqliteStore {
    SqliteStore::builder(path).synchronous(Synchronous::Off).open().await.expect("open")
}

async fn start(store: &SqliteStore, new: NewRun) -> Option<Lease> {
    match store.create(vec![new]).await.expect("create").value.remove(0) {
        Created::New { lease } => lease,
        other => panic!("{other:?}"),
    }
}

async fn claimed(store: &SqliteStore, session: &Session) -> Claimed {
    store.claim(claim(session)).await.expect("claim").value
}

fn lent(session: &Session) -> Start {
    Start::Lent { session: session.clone(), keep: Duration::from_hours(1) }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shop.db");
    (folder, path)
}

fn files(folder: &tempfile::TempDir) -> Vec<String> {
    let names = folder.path().read_dir().expect("the folder");
    let mut names: Vec<_> =
        names.map(|entry| entry.expect("a file").file_name().into_string().expect("a name")).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_file_that_is_opened_again_has_everything() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let session = Session::begin();
    let lease = start(&store, run("a", lent(&session))).await.expect("a lease");
    let mut commit = Commit::new(lease, head(Status::Waiting), Seq(0));
    commit.state = Some(Bytes::from_static(b"second"));
    commit.entries = vec![Bytes::from_static(b"entry")];
    commit.then = Then::Rest { due: None };
    store.commit(vec![commit]).await.expect("commit");
    let before = store.load(&id("a"), Depth::All).await.expect("load").value;
    drop(store);

    let store = open(&path).await;
    let after = store.load(&id("a"), Depth::All).await.expect("load").value;
    assert_eq!(after, before);
    assert_eq!(after.expect("it is there").state, "second");
    let page = Page { before: None, limit: 9 };
    assert_eq!(store.history(&id("a"), page).await.expect("history").value.len(), 1);
}

/// Who comes first makes the tables, and the others find them.
#[tokio::test]
async fn a_new_file_can_be_opened_by_many_at_once() {
    for _ in 0..10 {
        let (_folder, path) = folder();
        let opening: Vec<_> = (0..6).map(|_| tokio::spawn(SqliteStore::builder(&path).open())).collect();
        for opened in opening {
            let store = opened.await.expect("no panic").expect("open");
            assert!(store.load(&id("a"), Depth::All).await.expect("load").value.is_none());
        }
    }
}

#[tokio::test]
async fn the_last_handle_closes_the_file_and_leaves_nothing_beside_it() {
    let (folder, path) = folder();
    let store = open(&path).await;
    let session = Session::begin();
    start(&store, run("a", lent(&session))).await;
    let lock = format!("shop.db-refluxo-session-{}", session.id());
    assert!(files(&folder).contains(&lock), "a session that holds runs locks a file: {:?}", files(&folder));
    drop(session);
    assert!(!files(&folder).contains(&lock), "its end removes it");
    drop(store);
    assert_eq!(files(&folder), ["shop.db"]);
}

#[tokio::test]
async fn lock_files_of_dead_processes_are_removed_and_those_of_living_ones_are_not() {
    let (folder, path) = folder();
    let store = open(&path).await;
    let session = Session::begin();
    start(&store, run("a", lent(&session))).await;
    let dead = folder.path().join("shop.db-refluxo-session-0123");
    std::fs::write(&dead, "").expect("a file");
    let stranger = folder.path().join("other.db-refluxo-session-0123");
    std::fs::write(&stranger, "").expect("a file");
    let second = open(&path).await;
    assert!(!dead.exists() && stranger.exists());
    assert!(claimed(&second, &Session::begin()).await.runs.is_empty(), "the first session lives");
}

#[tokio::test]
async fn a_file_of_an_earlier_release_is_brought_up_to_date() {
    let (_folder, path) = folder();
    let db = Connection::open(&path).expect("open");
    db.execute_batch(include_str!("../src/store/sqlite/schema/1.sql")).expect("the first schema");
    db.pragma_update(None, "application_id", 0x7266_6c78).expect("set");
    db.pragma_update(None, "user_version", 1).expect("set");
    drop(db);
    let store = open(&path).await;
    start(&store, run("a", Start::Now)).await;
    assert_eq!(claimed(&store, &Session::begin()).await.runs.len(), 1);
    // It looks into an index that the first release did not make.
    assert_eq!(store.purge(Filter::default(), 9).await.expect("purge").value, 0);
}

#[tokio::test]
async fn a_file_of_a_later_release_is_refused() {
    let (_folder, path) = folder();
    drop(open(&path).await);
    Connection::open(&path).and_then(|db| db.pragma_update(None, "user_version", 99)).expect("set");
    match SqliteStore::open(&path).await {
        Err(SqliteOpenError::Newer { found: 99, known, .. }) => assert!(known < 99),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_of_another_program_is_refused_and_not_touched() {
    let (folder, path) = folder();
    let db = Connection::open(&path).expect("open");
    db.execute_batch("CREATE TABLE theirs (x)").expect("create");
    drop(db);
    let other = folder.path().join("notes.txt");
    std::fs::write(&other, "Not a database at all, but a text that is long enough to be looked at.")
        .expect("write");
    for path in [path, other] {
        let before = std::fs::read(&path).expect("read");
        match SqliteStore::open(&path).await {
            Err(SqliteOpenError::Foreign { path: found }) => assert_eq!(found, path),
            other => panic!("{other:?}"),
        }
        assert!(std::fs::read(&path).expect("read") == before, "{} was changed", path.display());
    }
}

#[tokio::test]
async fn a_store_without_a_file_is_refused() {
    for path in ["", ":memory:"] {
        assert!(matches!(SqliteStore::open(path).await, Err(SqliteOpenError::NoFile)), "{path}");
    }
    let nowhere = Path::new("/nowhere/at/all/shop.db");
    assert!(matches!(SqliteStore::open(nowhere).await, Err(SqliteOpenError::Sqlite { .. })));
}

#[tokio::test]
async fn an_item_that_sqlite_refuses_harms_no_other() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let session = Session::begin();
    let mut batch = Vec::new();
    for name in ["a", "poisoned", "b"] {
        let lease = start(&store, run(name, lent(&session))).await.expect("a lease");
        let mut commit = Commit::new(lease, head(Status::Ready), Seq(0));
        commit.entries = vec![Bytes::copy_from_slice(name.as_bytes())];
        batch.push(commit);
    }
    let db = Connection::open(&path).expect("open");
    // It fails after the entry was written, so that there is something to be undone.
    db.execute_batch(
        "CREATE TRIGGER poison BEFORE UPDATE ON run WHEN old.id = 'poisoned' BEGIN SELECT raise(ABORT, 'no'); END",
    )
    .expect("create");
    let answers = store.commit(batch.clone()).await.expect("commit").value;
    let expected = matches!(
        &answers[..],
        [Committed::Done { .. }, Committed::Rejected(StoreError::Fatal(_)), Committed::Done { .. }]
    );
    assert!(expected, "{answers:?}");
    let page = Page { before: None, limit: 9 };
    for (name, entries) in [("a", 1), ("poisoned", 0), ("b", 1)] {
        assert_eq!(store.history(&id(name), page).await.expect("history").value.len(), entries, "{name}");
    }
    db.execute_batch("DROP TRIGGER poison").expect("drop");
    let answer = store.commit(vec![batch.remove(1)]).await.expect("commit").value.remove(0);
    assert!(matches!(answer, Committed::Done { .. }), "its lease was as before: {answer:?}");
}

#[tokio::test]
async fn a_file_that_another_process_keeps_busy_is_to_be_tried_again() {
    let (_folder, path) = folder();
    let patience = Duration::from_millis(20);
    let store = SqliteStore::builder(&path).busy_timeout(patience).open().await.expect("open");
    let other = Connection::open(&path).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("begin");
    let answer = store.create(vec![run("a", Start::Now)]).await;
    assert!(matches!(answer, Err(StoreError::Retry(_))), "{answer:?}");
    assert!(store.load(&id("a"), Depth::Head).await.expect("reads go on").value.is_none());
    other.execute_batch("COMMIT").expect("commit");
    start(&store, run("a", Start::Now)).await;
}

#[tokio::test]
async fn runs_that_nobody_waited_for_are_given_back() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let session = Session::begin();
    start(&store, run("a", Start::Now)).await;
    // The claim is queued, and nobody waits for it any more when it comes to its turn.
    let other = Connection::open(&path).expect("open");
    other.execute_batch("BEGIN IMMEDIATE").expect("begin");
    drop(store.claim(claim(&session)));
    other.execute_batch("COMMIT").expect("commit");
    let runs = claimed(&store, &session).await.runs;
    assert_eq!(runs.len(), 1, "the next claim has it");
    assert_eq!(runs[0].1.row.claims, 1, "and the first does not count");
}

#[tokio::test]
async fn what_was_queued_is_written_before_the_file_is_closed() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    for number in 0..100 {
        drop(store.create(vec![run(&number.to_string(), Start::Now)]));
    }
    drop(store);
    let store = open(&path).await;
    assert!(store.load(&id("99"), Depth::Head).await.expect("load").value.is_some());
}

/// Nobody writes when a process dies, so the others look at its lock.
#[tokio::test]
async fn an_idle_worker_hears_that_another_has_died() {
    let (_folder, path) = folder();
    let (here, there) = (open(&path).await, open(&path).await);
    let (mine, other) = (Session::begin(), Session::begin());
    start(&there, run("a", lent(&other))).await;
    let mut wakes = here.wakes();
    assert!(claimed(&here, &mine).await.runs.is_empty(), "the other holds it");
    // What the session held in that store stays there; only its end is seen from here.
    drop(other);
    let heard = async { while !matches!(wakes.next().await.expect("the hints go on"), Wake::Due(_)) {} };
    assert!(tokio::time::timeout(Duration::from_secs(30), heard).await.is_ok(), "nobody told");
    assert_eq!(claimed(&here, &mine).await.runs.len(), 1);
}
