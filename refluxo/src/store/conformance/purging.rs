//! Only what is over goes, and it goes whole.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    TestBed,
    worker::{LEASE, Worker, child, end, keyed, rest, run},
};
use crate::store::{AttrValue, Attribute, Commit, Created, Depth, Filter, NewRun, Page, Part, Seq, Status};

async fn end_run(worker: &Worker, new: NewRun) {
    let (lease, record) = worker.start_held(new).await;
    worker.commit_done(end(&lease, &record)).await;
}

/// Those that the filter holds for, up to the limit.
pub(super) async fn only_ended_runs_are_purged(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("waiting")).await;
    worker.commit_done(rest(&lease, &record, None)).await;
    let _held = worker.start_held(run("running")).await;
    for name in ["a", "b", "c"] {
        end_run(&worker, run(name)).await;
        bed.pass(LEASE / 10).await;
    }
    let before_all = worker.load("a").await.row.created;
    let none = Filter { ended_before: Some(before_all), ..Filter::default() };
    assert_eq!(worker.purge(none, 9).await, 0);
    assert_eq!(worker.purge(Filter::default(), 2).await, 2);
    assert!(worker.find("c", Depth::Head).await.is_some(), "the newest is left");
    assert_eq!(worker.purge(Filter::default(), 2).await, 1);
    let mut left = worker.list(Filter::default()).await;
    left.sort();
    assert_eq!(left, ["running", "waiting"]);
}

/// Not those that began first: what is kept for some days is kept from its end.
pub(super) async fn what_ended_first_is_purged_first(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("old")).await;
    bed.pass(LEASE / 10).await;
    end_run(&worker, run("young")).await;
    bed.pass(LEASE / 10).await;
    let between = worker.now().await;
    worker.commit_done(end(&lease, &record)).await;
    bed.pass(LEASE / 10).await;
    let before = Filter { ended_before: Some(between), ..Filter::default() };
    assert_eq!(worker.purge(before, 9).await, 1, "the one that had ended by then");
    assert_eq!(worker.list(Filter::default()).await, ["old"]);
    end_run(&worker, run("last")).await;
    assert_eq!(worker.purge(Filter::default(), 1).await, 1);
    assert_eq!(worker.list(Filter::default()).await, ["last"]);
}

/// Workers that purge by themselves do so whenever it suits each of them.
pub(super) async fn of_two_purges_at_once_each_run_is_counted_once(bed: Arc<dyn TestBed>) {
    const RUNS: u32 = 60;
    let workers = [super::worker(&bed).await, super::worker(&bed).await];
    for number in 0..RUNS {
        end_run(&workers[0], run(&number.to_string())).await;
    }
    let purge_all = async |worker: &Worker| {
        let mut purged = 0;
        loop {
            match worker.purge(Filter::default(), 7).await {
                0 => return purged,
                some => purged += some,
            }
        }
    };
    let (one, other) = tokio::join!(purge_all(&workers[0]), purge_all(&workers[1]));
    // One of them may have found the runs of the other locked, and left the rest to it.
    assert_eq!(one + other + purge_all(&workers[0]).await, RUNS);
    assert_eq!(workers[0].list(Filter::default()).await, [""; 0]);
}

/// A parent that has ended stays as long as a child of its lives.
pub(super) async fn a_run_with_living_children_is_not_purged(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    end_run(&worker, run("p")).await;
    end_run(&worker, child("p/a", "p")).await;
    let (lease, record) = worker.start_held(child("p/b", "p")).await;
    assert_eq!(worker.purge(Filter::default(), 9).await, 1, "the ended child alone");
    worker.commit_done(end(&lease, &record)).await;
    assert_eq!(worker.purge(Filter::default(), 9).await, 2, "now both");
    assert_eq!(worker.list(Filter::default()).await, [""; 0]);
}

/// Nothing of the old life shows in the new one.
pub(super) async fn a_purged_id_begins_a_new_life(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let mut new = run("a");
    new.parts.push(Part { name: "p".into(), body: Bytes::new() });
    new.entries.push(Bytes::new());
    new.attributes.push(Attribute { name: "n".into(), value: AttrValue::Integer(1) });
    let first = new.uid;
    let (lease, _) = worker.start_held(new).await;
    worker.send(keyed("a", "k")).await;
    let record = worker.load("a").await;
    worker.commit_done(Commit { consume: vec![Seq(1)], ..end(&lease, &record) }).await;
    let only_completed = Filter { statuses: vec![Status::Completed], ..Filter::default() };
    assert_eq!(worker.purge(only_completed, 9).await, 1);
    assert!(worker.find("a", Depth::All).await.is_none());
    assert_eq!(worker.history("a", Page { before: None, limit: 9 }).await, []);

    let again = run("a");
    let uid = again.uid;
    assert!(matches!(worker.create(again).await, Created::New { .. }));
    let (fresh, record) = worker.claim("a").await;
    assert_ne!(uid, first);
    assert_eq!((record.row.uid, record.row.revision.0, record.row.inbox_last.0), (uid, 0, 0));
    assert_eq!((record.parts.len(), record.inbox.len()), (0, 0));
    assert_eq!(worker.history("a", Page { before: None, limit: 9 }).await, []);
    let attributes = vec![("n".into(), AttrValue::Integer(1))];
    assert_eq!(worker.list(Filter { attributes, ..Filter::default() }).await, [""; 0]);
    assert_eq!(worker.send(keyed("a", "k")).await, Seq(1), "the old life's keys are free");
    worker.commit_lost(end(&lease, &record), "that lease was of the old life").await;
    worker.commit_done(end(&fresh, &record)).await;
}
