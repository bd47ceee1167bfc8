//! A commit in a transaction is the ordinary one, together with what a step wrote. Stores without transactions pass.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    TestBed,
    worker::{LEASE, Worker, end, go, head, keyed, run},
};
use crate::store::{
    AttrOp, AttrValue, Commit, Committed, Effect, Lease, OpenTransaction, Page, Part, PartOp, Record,
    Renewed, Revision, Status,
};

const ALL: Page = Page { before: None, limit: 100 };

/// A transaction, if the store has any.
async fn begin(worker: &Worker) -> Option<Box<dyn OpenTransaction>> {
    worker.store.transaction()?;
    Some(worker.store.begin().await.expect("begin"))
}

/// A commit of all sorts.
fn rich(lease: &Lease, record: &Record) -> Commit {
    let name = lease.run.as_str();
    Commit {
        state: Some(Bytes::from_static(b"second")),
        parts: vec![PartOp::Put(Part { name: "big".into(), body: Bytes::from_static(b"part") })],
        attributes: vec![AttrOp::Set { name: "color".into(), value: AttrValue::Text("red".into()) }],
        consume: record.inbox.iter().map(|message| message.seq).collect(),
        entries: vec![Bytes::from_static(b"one"), Bytes::from_static(b"two")],
        effects: vec![Effect::Start(Box::new(run(&format!("{name}'s child"))))],
        head: head(Status::Ready),
        ..go(lease, record)
    }
}

/// What it leaves is the same, but for the names.
pub(super) async fn a_commit_in_a_transaction_is_the_ordinary_one(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let mut stored = Vec::new();
    for name in ["plain", "within"] {
        let (lease, _) = worker.start_held(run(name)).await;
        worker.deliver(keyed(name, "key")).await;
        let record = worker.load(name).await;
        assert_eq!(record.inbox.len(), 1);
        let commit = rich(&lease, &record);
        let committed = if name == "plain" {
            worker.commit_done(commit).await
        } else {
            let Some(open) = begin(&worker).await else { return };
            match open.commit(commit).await.expect("commit").value {
                Committed::Done { revision, more, owed } => (revision, more, owed),
                other => panic!("the holder's commit was answered with {other:?}"),
            }
        };
        assert_eq!((committed.0, committed.1), (Revision(1), false));
        let Record { row, state, parts, attributes, inbox, .. } = worker.load(name).await;
        let entries: Vec<Bytes> =
            worker.history(name, ALL).await.into_iter().map(|entry| entry.body).collect();
        if bed.applies_effects() {
            worker.load(&format!("{name}'s child")).await;
        }
        stored.push((row.head, row.revision, row.claims, state, parts, attributes, inbox, entries));
    }
    assert_eq!(stored[0], stored[1]);
}

/// So a step whose outcome can't be stored has never run.
pub(super) async fn a_transaction_that_is_dropped_leaves_nothing(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    for _ in 0..20 {
        let Some(open) = begin(&worker).await else { return };
        drop(open);
    }
    assert_eq!(worker.load("a").await, record);
    worker.commit_done(rich(&lease, &record)).await;
}

/// The fence is that of every commit.
pub(super) async fn a_stale_token_is_lost_in_a_transaction(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (stale, record) = worker.start_held(run("a")).await;
    bed.pass(LEASE * 2).await;
    let (fresh, claimed) = other.claim("a").await;
    for commit in [rich(&stale, &record), end(&stale, &record)] {
        let Some(open) = begin(&worker).await else { return };
        let committed = open.commit(commit).await.expect("commit").value;
        assert!(
            matches!(committed, Committed::Lost),
            "another claimed, but it was answered with {committed:?}"
        );
    }
    assert_eq!(other.load("a").await, claimed, "nothing of it is there");
    assert!(other.history("a", ALL).await.is_empty());
    other.commit_done(go(&fresh, &claimed)).await;
}

/// After a lost answer a renewal tells whether the lease is still held. If it isn't, the same commit sent again tells whether it was
/// the one that gave it back, and writes nothing if it wasn't.
pub(super) async fn what_became_of_a_commit_in_a_transaction_is_told_afterwards(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    for (name, is_stored) in [("stored", true), ("dropped", false)] {
        let (lease, record) = worker.start_held(run(name)).await;
        let commit = end(&lease, &record);
        let Some(open) = begin(&worker).await else { return };
        if is_stored {
            open.commit(commit.clone()).await.expect("commit");
        } else {
            drop(open);
            bed.pass(LEASE * 2).await;
            let (fresh, claimed) = other.claim(name).await;
            other.commit_done(end(&fresh, &claimed)).await;
        }
        let ended = worker.load(name).await;
        assert_eq!(worker.renew(vec![lease], LEASE).await.1, [Renewed::Lost], "{name}");
        if is_stored {
            assert_eq!(worker.commit_done(commit).await.0, Revision(1));
        } else {
            worker.commit_lost(commit, "another has ended the run").await;
        }
        assert_eq!(worker.load(name).await, ended, "{name}: nothing was written");
    }
}
