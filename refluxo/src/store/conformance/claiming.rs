//! Runs come to those who can run them, one worker at a time.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{
    TestBed,
    worker::{LEASE, QUEUE, Worker, after, go, message, rest, run, want},
};
use crate::store::{Lane, NewRun, Renewed, Start};

/// However many ask at once.
pub(super) async fn a_run_is_given_to_one_worker_only(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for number in 0..60 {
        worker.start(run(&format!("run-{number}"))).await;
    }
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let worker = super::worker(&bed).await;
        workers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let (_, claimed) = worker.claim_as(vec![want(QUEUE, 1, 3)], 3).await;
                if claimed.runs.is_empty() {
                    // The session must live on, or its runs are given away.
                    return (mine, worker);
                }
                mine.extend(claimed.runs.into_iter().map(|(lease, _)| lease.run));
            }
        });
    }
    let (claims, _workers): (Vec<_>, Vec<_>) = workers.join_all().await.into_iter().unzip();
    let claims = claims.concat();
    assert_eq!(claims.len(), 60, "each run is claimed once");
    assert_eq!(claims.into_iter().collect::<BTreeSet<_>>().len(), 60, "no run is claimed twice");
}

/// Runs of other workflows and of higher versions are left to others.
pub(super) async fn a_claim_takes_only_wanted_workflows_and_versions(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for version in 1..=3 {
        let mut new = run(&format!("v{version}"));
        new.head.version = version;
        worker.start(new).await;
    }
    worker.start(NewRun { queue: "other".into(), ..run("o1") }).await;
    let (_, claimed) = worker.claim_as(vec![want(QUEUE, 2, 9)], 9).await;
    assert_eq!(names(&claimed.runs), ["v1", "v2"]);
    assert_eq!(claimed.next_due, None, "what is not wanted is not announced");
    let (_, claimed) = worker.claim_as(vec![want("neither", 9, 9)], 9).await;
    assert_eq!(names(&claimed.runs), [""; 0]);
    let (_, claimed) = worker.claim_as(vec![want("other", 1, 9), want(QUEUE, 3, 9)], 9).await;
    assert_eq!(names(&claimed.runs), ["o1", "v3"]);
}

/// No workflow takes the place of another: each has its slots, and the limit is spent in the order of the wants.
pub(super) async fn a_claim_keeps_to_its_slots_and_its_limit(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for number in 0..4 {
        worker.start(run(&format!("a{number}"))).await;
        worker.start(NewRun { queue: "other".into(), ..run(&format!("b{number}")) }).await;
    }
    let count = |runs: &[(_, _)], first| names(runs).iter().filter(|name| name.starts_with(first)).count();
    let (now, claimed) = worker.claim_as(vec![want("other", 1, 2), want(QUEUE, 1, 2)], 3).await;
    assert_eq!((count(&claimed.runs, 'b'), count(&claimed.runs, 'a')), (2, 1));
    assert!(claimed.next_due.is_some_and(|due| due <= now), "there are more: {:?}", claimed.next_due);
    let (_, claimed) = worker.claim_as(vec![want(QUEUE, 1, 2), want("other", 1, 0)], 3).await;
    assert_eq!((count(&claimed.runs, 'b'), count(&claimed.runs, 'a')), (0, 2));
}

/// Those that wait longest come first, over all versions.
pub(super) async fn a_claim_takes_what_was_due_first(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let now = worker.now().await;
    for (name, version, after_s) in [("third", 1, 3), ("first", 2, 1), ("second", 1, 2)] {
        let start = Start::At(now.saturating_add(Duration::from_secs(after_s)));
        let mut new = NewRun { start, ..run(name) };
        new.head.version = version;
        worker.start(new).await;
    }
    bed.pass(LEASE).await;
    let (_, claimed) = worker.claim_as(vec![want(QUEUE, 2, 2)], 9).await;
    assert_eq!(names(&claimed.runs), ["first", "second"]);
}

/// Among those that are due; what is urgent and sleeps holds nobody up.
pub(super) async fn the_highest_priority_comes_first(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let now = worker.now().await;
    let at = |after_s| Start::At(now.saturating_add(Duration::from_secs(after_s)));
    let lane = |priority| Lane { priority, ..Lane::default() };
    for (name, priority, after_s) in [
        ("low", i8::MIN, 1),
        ("usual-2", 0, 3),
        ("usual-1", 0, 2),
        ("urgent", i8::MAX, 4),
        ("urgent-sleeper", i8::MAX, 10_000),
        ("high", 1, 5),
    ] {
        worker.start(NewRun { start: at(after_s), lane: lane(priority), ..run(name) }).await;
    }
    let mut new = NewRun { start: at(4), lane: lane(1), ..run("high-of-version-2") };
    new.head.version = 2;
    worker.start(new).await;
    assert_eq!(worker.load("low").await.row.lane, lane(i8::MIN));
    bed.pass(LEASE).await;
    let mut order = Vec::new();
    while let (_, claimed) = worker.claim_as(vec![want(QUEUE, 2, 2)], 9).await
        && !claimed.runs.is_empty()
    {
        order.push(names(&claimed.runs).join(", "));
    }
    assert_eq!(order, ["urgent, high-of-version-2", "high, usual-1", "usual-2, low"]);
}

/// So that each has its share first, and then what the others have left.
pub(super) async fn a_workflow_may_be_wanted_twice(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for number in 0..9 {
        worker.start(run(&format!("a{number}"))).await;
    }
    worker.start(NewRun { queue: "other".into(), ..run("b0") }).await;
    let wants = || vec![want(QUEUE, 1, 2), want("other", 1, 2), want(QUEUE, 1, 4), want("other", 1, 4)];
    let count = |runs: &[(_, _)], first| names(runs).iter().filter(|name| name.starts_with(first)).count();
    let (_, claimed) = worker.claim_as(wants(), 4).await;
    assert_eq!((count(&claimed.runs, 'a'), count(&claimed.runs, 'b')), (3, 1), "the other one has its share");
    let (_, claimed) = worker.claim_as(wants(), 99).await;
    assert_eq!((count(&claimed.runs, 'a'), claimed.runs.len()), (6, 6), "both wants are served");
    assert_eq!(names(&claimed.runs).into_iter().collect::<BTreeSet<_>>().len(), 6, "and none is lent twice");
    assert_eq!(claimed.next_due, None, "what one want has left and the other one takes is no news");
}

/// A driver can sleep until the time that the claim told.
pub(super) async fn a_claim_tells_when_the_next_run_is_due(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let next = async |worker: &Worker| worker.claim_as(vec![want(QUEUE, 1, 9)], 9).await.1.next_due;
    assert_eq!(next(&worker).await, None, "nothing sleeps");
    let due = worker.now().await.saturating_add(LEASE * 3);
    worker.start(NewRun { start: Start::At(due), ..run("sleeper") }).await;
    assert_eq!(next(&worker).await, Some(due), "one sleeps");
    let (lease, _) = other.start_held(run("held")).await;
    assert_eq!(next(&worker).await, Some(lease.until), "another's lease may end before");
    assert_eq!(next(&other).await, Some(due), "one's own lease is no news");
}

/// What a silent worker held goes to the next one, as it was last committed.
pub(super) async fn a_lease_that_ended_is_given_to_the_next(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (lease, record) = worker.start_held(run("a")).await;
    worker.commit_done(go(&lease, &record)).await;
    bed.pass(LEASE / 2).await;
    other.claims_nothing("the lease lasts").await;
    bed.pass(LEASE).await;
    let (theirs, record) = other.claim("a").await;
    assert_eq!(record.row.revision.0, 1);
    assert_ne!(theirs.token, lease.token, "each claim has a token of its own");
    bed.pass(LEASE * 2).await;
    let (again, _) = other.claim("a").await;
    assert_ne!(again.token, theirs.token, "so has one of who held it before");
}

/// A renewed lease ends later.
pub(super) async fn a_renewed_lease_lasts(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (lease, _) = worker.start_held(run("a")).await;
    bed.pass(LEASE / 2).await;
    let (now, renewed) = worker.renew(vec![lease], LEASE).await;
    assert_eq!(renewed, [Renewed::Kept { until: now.saturating_add(LEASE), messages: false }]);
    bed.pass(LEASE / 2).await;
    other.claims_nothing("the lease was renewed").await;
    bed.pass(LEASE).await;
    other.claim("a").await;
}

/// A worker that stops gives its runs back, and that is not held against them.
pub(super) async fn a_released_run_is_due_at_once(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    worker.start(run("a")).await;
    let (lease, _) = worker.claim("a").await;
    assert_eq!(worker.renew(vec![lease.clone()], Duration::ZERO).await.1, [Renewed::Released]);
    let (_, record) = other.claim("a").await;
    assert_eq!(record.row.claims, 1, "the released claim does not count");
    worker.commit_lost(go(&lease, &record), "the lease was given back").await;
}

/// One batch tells each lease's fate.
pub(super) async fn a_renewal_tells_what_is_lost_and_what_has_messages(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (lost, _) = worker.start_held(run("lost")).await;
    bed.pass(LEASE * 2).await;
    let (_theirs, _) = other.claim("lost").await;
    let (rested, record) = worker.start_held(run("rested")).await;
    worker.commit_done(rest(&rested, &record, None)).await;
    let (quiet, record) = worker.start_held(run("quiet")).await;
    let (revision, ..) = worker.commit_done(go(&quiet, &record)).await;
    let (rung, _) = worker.start_held(run("rung")).await;
    worker.send(message("rung", "hello")).await;
    let gone = crate::store::Lease { run: super::worker::id("gone"), ..rung.clone() };
    // A renewal compares tokens alone: both revisions of `quiet` are good.
    let leases = vec![lost, rested, quiet.clone(), after(&quiet, revision), rung, gone];
    let (now, renewed) = worker.renew(leases, LEASE).await;
    let kept = |messages| Renewed::Kept { until: now.saturating_add(LEASE), messages };
    let (lost, gone) = (Renewed::Lost, Renewed::Lost);
    assert_eq!(renewed, [lost, Renewed::Lost, kept(false), kept(false), kept(true), gone]);
}

/// A run that kills its workers is known by its claims.
pub(super) async fn claims_are_counted_until_a_commit(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("a")).await;
    for claims in 1..=6 {
        assert_eq!(worker.claim("a").await.1.row.claims, claims);
        bed.pass(LEASE * 2).await;
    }
    let (lease, record) = worker.claim("a").await;
    worker.commit_done(go(&lease, &record)).await;
    assert_eq!(worker.load("a").await.row.claims, 0);
}

/// Where the store can tell, a dead worker's runs do not wait for the end of its leases.
pub(super) async fn the_runs_of_a_dead_session_are_due_at_once(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (lease, record) = worker.start_held(run("a")).await;
    other.claims_nothing("the session lives").await;
    let store = worker.store.clone();
    drop(worker);
    if bed.tells_dead_sessions() {
        other.claim("a").await;
        let late = store.commit(vec![go(&lease, &record)]).await.expect("commit").value;
        assert!(matches!(late[0], crate::store::Committed::Lost), "the dead speak no more: {late:?}");
    } else {
        bed.pass(LEASE * 2).await;
        other.claim("a").await;
    }
}

/// A timer needs nobody to hold it.
pub(super) async fn a_sleeping_run_is_due_at_its_time(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    let due = worker.now().await.saturating_add(LEASE);
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    bed.pass(LEASE / 2).await;
    worker.claims_nothing("it sleeps").await;
    bed.pass(LEASE).await;
    worker.claim("a").await;
}

fn names(runs: &[(crate::store::Lease, crate::store::Record)]) -> Vec<&str> {
    runs.iter().map(|(lease, _)| lease.run.as_str()).collect()
}
