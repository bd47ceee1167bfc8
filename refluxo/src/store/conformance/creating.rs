//! Runs are born once and whole.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    TestBed,
    worker::{LEASE, go, id, run},
};
use crate::{
    store::{Created, InputHash, NewRun, Page, Part, RunId, Start, Uid},
    time::Timestamp,
};

/// `create` is idempotent by id and tells what there is.
pub(super) async fn a_run_is_created_once(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let first = run("a");
    worker.start(first.clone()).await;
    let again = NewRun { state: Bytes::from_static(b"other"), queue: "other".into(), ..run("a") };
    match worker.create(again).await {
        Created::Exists { uid, queue, same_input } => {
            assert_eq!((uid, queue.as_str(), same_input), (first.uid, "work", true));
        }
        other => panic!("a taken id was answered with {other:?}"),
    }
    let other_input = NewRun { input: InputHash([8; 32]), ..run("a") };
    let answer = worker.create(other_input).await;
    assert!(matches!(answer, Created::Exists { same_input: false, .. }), "other arguments: {answer:?}");
    let record = worker.load("a").await;
    assert_eq!((record.row.uid, &record.state[..]), (first.uid, &b"first"[..]), "the first create stands");
    assert_eq!(worker.claim_all().await.len(), 1, "there is one run");
}

/// The same uid again is the same `create` sent again, after an answer that was lost.
pub(super) async fn the_same_create_again_has_the_same_answer(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let start = Start::Lent { session: worker.session.clone(), keep: LEASE };
    let new = NewRun { start, ..run("a") };
    let (Created::New { lease: first }, Created::New { lease: second }) =
        (worker.create(new.clone()).await, worker.create(new.clone()).await)
    else {
        panic!("the same create is new both times");
    };
    let lease = first.clone().expect("a lent run has a lease");
    assert_eq!(first, second, "the same lease both times");
    worker.commit_done(go(&lease, &worker.load("a").await)).await;
    let answer = worker.create(new).await;
    assert!(
        matches!(answer, Created::New { lease: None }),
        "after a commit the first lease is void: {answer:?}"
    );
}

/// A run that is lent at birth can be committed by its creator and claimed by nobody.
pub(super) async fn a_lent_run_is_in_the_callers_hands(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (lease, record) = worker.start_held(run("a")).await;
    assert_eq!(record.row.claims, 1, "to be lent is to be claimed");
    assert!(record.row.is_running(worker.now().await));
    other.claims_nothing("the run is lent").await;
    worker.commit_done(go(&lease, &record)).await;
}

/// Everything in a new run comes back as the bytes that were sent, whatever they are.
pub(super) async fn a_run_comes_back_as_it_was_created(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let odd = Bytes::from_static(b"\0\xff{\"a\": 1e400, \"a\":\r\n\xc3\x28\0");
    let parts =
        vec![Part { name: "b".into(), body: odd.clone() }, Part { name: "a".into(), body: Bytes::new() }];
    let mut new = NewRun { state: odd.clone(), entries: vec![odd.clone()], ..run("ö/😀 'quoted\" \\") };
    new.head.body = odd.clone();
    new.head.at = "Ünï'\"code".into();
    new.head.version = u32::MAX;
    new.parts.clone_from(&parts);
    new.root = id("root");
    new.parent = Some(id("parent"));
    new.uid = Uid::from_u128(u128::MAX - 1);
    let longest = RunId::new("x".repeat(RunId::MAX_BYTES)).expect("the longest id");
    let name = new.id.clone();
    worker.start(new.clone()).await;
    worker
        .start(NewRun { id: longest.clone(), start: Start::At(Timestamp::from_micros(i64::MAX)), ..run("x") })
        .await;

    let (_, record) = worker.claim(name.as_str()).await;
    let row = &record.row;
    assert_eq!((&row.id, row.uid, &row.root, &row.parent), (&new.id, new.uid, &new.root, &new.parent));
    assert_eq!((&row.queue, row.input, &row.head), (&new.queue, new.input, &new.head));
    assert_eq!((row.revision.0, row.inbox_last.0, row.inbox_read.0, row.ended), (0, 0, 0, None));
    assert_eq!(record.state, odd);
    assert_eq!(record.parts, [parts[1].clone(), parts[0].clone()], "parts come in the order of their names");
    let history = worker.history(name.as_str(), Page { before: None, limit: 9 }).await;
    assert_eq!(history.iter().map(|entry| (&entry.body, entry.revision.0)).collect::<Vec<_>>(), [(&odd, 0)]);
    assert_eq!(worker.load(longest.as_str()).await.row.id, longest);
}

/// A start in the future waits for the store's clock.
pub(super) async fn a_run_that_starts_later_is_not_due_before(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let due = worker.now().await.saturating_add(LEASE);
    worker.start(NewRun { start: Start::At(due), ..run("a") }).await;
    worker.claims_nothing("it starts later").await;
    bed.pass(LEASE).await;
    worker.claim("a").await;
}
