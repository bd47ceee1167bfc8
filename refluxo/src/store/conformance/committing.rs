//! A commit is all or nothing, and only the holder's counts.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    TestBed,
    worker::{LEASE, Worker, after, child, done, end, go, head, id, keyed, message, rest, run, texts, want},
};
use crate::store::{
    AttrOp, AttrValue, Commit, Committed, Effect, Filter, Head, Lease, Page, Part, PartOp, Record, Revision,
    Row, Seq, Status, Then,
};

const ALL: Page = Page { before: None, limit: 100 };

/// Its state, head and counters change; what it leaves out stays.
pub(super) async fn a_commit_changes_what_it_names_and_nothing_else(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let mut new = run("a");
    new.parts.push(Part { name: "big".into(), body: Bytes::from_static(b"part") });
    worker.start(new).await;
    worker.start(run("bystander")).await;
    let mut runs = worker.claim_all().await;
    runs.sort_by_key(|(lease, _)| lease.run.clone());
    let (lease, before) = runs.remove(0);

    let head =
        Head { status: Status::Ready, at: "There".into(), version: 3, body: Bytes::from_static(b"\0") };
    let state = Some(Bytes::from_static(b"second"));
    let (revision, more, owed) =
        worker.commit_done(Commit { head: head.clone(), state, ..go(&lease, &before) }).await;
    assert_eq!((revision, more, owed.len()), (Revision(1), false, 0));
    let record = worker.load("a").await;
    let row = Row { head, revision, claims: 0, updated: record.row.updated, ..before.row.clone() };
    let state = Bytes::from_static(b"second");
    assert_eq!(record, Record { row, state, ..before }, "the lease and the part stay as they were");
    assert_eq!(worker.load("bystander").await, runs.remove(0).1, "another run is not touched");

    worker.commit_done(go(&after(&lease, revision), &record)).await;
    assert_eq!(worker.load("a").await.state, record.state, "no state means the old one");
}

/// So the caller learns what became of a commit whose answer was lost.
pub(super) async fn a_commit_sent_again_is_done_and_changes_nothing(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for (name, then, status) in [
        ("go", Then::Go, Status::Ready),
        ("rest", Then::Rest { due: None }, Status::Waiting),
        ("end", Then::End, Status::Completed),
    ] {
        let (lease, record) = worker.start_held(run(name)).await;
        let entries = vec![Bytes::from_static(b"once")];
        let commit = Commit { then, head: head(status), entries, ..go(&lease, &record) };
        let first = worker.commit_done(commit.clone()).await;
        let stored = worker.load(name).await;
        assert_eq!(worker.commit_done(commit).await, first, "{name}: the same answer");
        assert_eq!(worker.load(name).await, stored, "{name}: the same record");
        assert_eq!(worker.history(name, ALL).await.len(), 1, "{name}: one entry");
    }
}

/// The token is random: the revision alone says nothing about who holds the run.
pub(super) async fn a_stale_token_is_lost_at_an_equal_revision(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (stale, record) = worker.start_held(run("a")).await;
    bed.pass(LEASE * 2).await;
    let (fresh, _) = other.claim("a").await;
    assert_eq!(stale.revision, fresh.revision);
    worker.commit_lost(go(&stale, &record), "another claimed").await;
    worker.commit_lost(end(&stale, &record), "another claimed").await;
    other.commit_done(go(&fresh, &record)).await;
    worker.commit_lost(go(&stale, &record), "another committed").await;
    worker.commit_lost(go(&after(&stale, Revision(1)), &record), "the revision can be guessed").await;
}

/// A commit is for the revision that its author saw.
pub(super) async fn a_stale_revision_is_lost(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    for revision in 0..2 {
        worker.commit_done(go(&after(&lease, Revision(revision)), &record)).await;
    }
    worker.commit_lost(go(&lease, &record), "two commits came since").await;
    worker.commit_lost(go(&after(&lease, Revision(3)), &record), "that revision is not there yet").await;
    let gone = Lease { run: id("gone"), ..lease };
    worker.commit_lost(go(&gone, &record), "there is no such run").await;
}

/// The lease's end lets others in; it does not lock its holder out.
pub(super) async fn a_late_commit_applies_if_nobody_has_claimed(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    bed.pass(LEASE * 2).await;
    worker.commit_done(rest(&lease, &record, None)).await;
    worker.claims_nothing("the run rests").await;
}

/// After a rest the old token opens nothing, though nobody has claimed since.
pub(super) async fn a_lease_that_was_given_back_commits_nothing(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for (name, ends) in [("rested", false), ("ended", true)] {
        let (lease, record) = worker.start_held(run(name)).await;
        let last = if ends { end(&lease, &record) } else { rest(&lease, &record, None) };
        let (revision, ..) = worker.commit_done(last).await;
        let lease = after(&lease, revision);
        worker.commit_lost(go(&lease, &record), "the lease was given back").await;
        worker.commit_lost(end(&lease, &record), "the lease was given back").await;
    }
}

/// The loser's state, parts, attributes, entries, consumed messages and rest: all absent.
pub(super) async fn a_lost_commit_leaves_no_trace(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (stale, _) = worker.start_held(run("a")).await;
    worker.send(message("a", "hello")).await;
    bed.pass(LEASE * 2).await;
    let (_fresh, before) = other.claim("a").await;
    let colour = || AttrValue::Text("red".into());
    let loser = Commit {
        state: Some(Bytes::from_static(b"lost")),
        parts: vec![PartOp::Put(Part { name: "lost".into(), body: Bytes::new() })],
        attributes: vec![AttrOp::Set { name: "colour".into(), value: colour() }],
        consume: vec![Seq(1)],
        entries: vec![Bytes::from_static(b"lost")],
        ..end(&stale, &before)
    };
    worker.commit_lost(loser, "another claimed").await;
    assert_eq!(worker.load("a").await, before);
    assert_eq!(worker.history("a", ALL).await, []);
    let attributes = vec![("colour".into(), colour())];
    assert_eq!(worker.list(Filter { attributes, ..Filter::default() }).await, [""; 0]);
}

/// Grouped, but each alone: a refused and a lost item leave their neighbours as they would be without them.
pub(super) async fn a_poisoned_item_harms_no_other(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let mut batch = Vec::new();
    let names = ["a", "poisoned", "b", "lost", "c"];
    for name in names {
        let (lease, record) = worker.start_held(run(name)).await;
        batch.push(rest(&lease, &record, None));
    }
    // Its status says that it is over, and its end says that it waits.
    batch[1].head.status = Status::Completed;
    batch[3].lease.revision = Revision(7);
    for (commit, name) in batch.iter_mut().zip(names) {
        commit.effects.push(Effect::Start(Box::new(child(&format!("{name}-child"), name))));
    }
    let answers = worker.store.commit(batch).await.expect("commit").value;
    let (mut done, mut rejected, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    for (name, answer) in names.into_iter().zip(&answers) {
        match answer {
            Committed::Done { owed, .. } => {
                worker.carry_out(owed).await;
                done.push(name);
            }
            Committed::Rejected(_) => rejected.push(name),
            Committed::Lost => lost.push(name),
        }
    }
    assert_eq!((done, rejected, lost), (vec!["a", "b", "c"], vec!["poisoned"], vec!["lost"]));
    assert_eq!(worker.load("poisoned").await.row.revision, Revision(0));
    let by_parent =
        async |name| worker.list(Filter { parent: Some(id(name)), ..Filter::default() }).await.len();
    for (name, children) in [("a", 1), ("poisoned", 0), ("b", 1), ("lost", 0), ("c", 1)] {
        assert_eq!(by_parent(name).await, children, "children of {name}");
    }
}

/// Items are applied in their order, also two of one run.
pub(super) async fn a_batch_is_applied_in_its_order(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (a, a_record) = worker.start_held(run("a")).await;
    let (b, b_record) = worker.start_held(run("b")).await;
    let state = |text: &'static str| Some(Bytes::from_static(text.as_bytes()));
    let entry = |text: &'static str| vec![Bytes::from_static(text.as_bytes())];
    let batch = vec![
        Commit { state: state("one"), entries: entry("one"), ..go(&a, &a_record) },
        Commit { state: state("b"), ..go(&b, &b_record) },
        Commit { state: state("two"), entries: entry("two"), ..go(&after(&a, Revision(1)), &a_record) },
    ];
    let answers = worker.store.commit(batch).await.expect("commit").value;
    let revisions: Vec<_> = answers.into_iter().map(|answer| done(answer).0.0).collect();
    assert_eq!(revisions, [1, 1, 2]);
    assert_eq!(worker.load("a").await.state, "two");
    let history = worker.history("a", ALL).await;
    assert_eq!(texts(history.iter().map(|entry| &entry.body)), ["two", "one"]);
}

/// Parts and attributes are written over, removed, and removed without being there.
pub(super) async fn parts_and_attributes_are_set_and_removed(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    let put = |name: &str, body: &'static [u8]| {
        PartOp::Put(Part { name: name.into(), body: Bytes::from_static(body) })
    };
    let set = |name: &str, number| AttrOp::Set { name: name.into(), value: AttrValue::Integer(number) };
    let first = Commit {
        parts: vec![put("x", b"1"), put("y", b"1"), put("x", b"2"), PartOp::Delete { name: "no".into() }],
        attributes: vec![set("x", 1), set("y", 1), set("x", 2), AttrOp::Remove { name: "no".into() }],
        ..go(&lease, &record)
    };
    let (revision, ..) = worker.commit_done(first).await;
    let parts = |record: &Record| -> Vec<String> {
        record.parts.iter().map(|part| format!("{}={}", part.name, part.body.escape_ascii())).collect()
    };
    assert_eq!(parts(&worker.load("a").await), ["x=2", "y=1"]);
    let second = Commit {
        parts: vec![PartOp::Delete { name: "x".into() }],
        attributes: vec![AttrOp::Remove { name: "y".into() }],
        ..go(&after(&lease, revision), &record)
    };
    worker.commit_done(second).await;
    assert_eq!(parts(&worker.load("a").await), ["y=1"]);
    let with = async |name: &str, number| {
        let attributes = vec![(name.into(), AttrValue::Integer(number))];
        worker.list(Filter { attributes, ..Filter::default() }).await.len()
    };
    assert_eq!((with("x", 1).await, with("x", 2).await, with("y", 1).await), (0, 1, 0));
}

/// Not by time, not by messages, not by its dead holder.
pub(super) async fn an_ended_run_is_never_due(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    worker.send(keyed("a", "unread")).await;
    worker.commit_done(end(&lease, &record)).await;
    let record = worker.load("a").await;
    assert_eq!(record.inbox, [], "what was not read is dropped");
    assert!(record.row.ended.is_some());
    let _ = worker.deliver(keyed("a", "late")).await;
    let Worker { store, session } = worker;
    drop(session);
    bed.pass(LEASE * 2).await;
    let next = Worker::on(store);
    let (_, claimed) = next.claim_as(vec![want("work", 9, 9)], 9).await;
    assert_eq!((claimed.runs.len(), claimed.next_due), (0, None));
}
