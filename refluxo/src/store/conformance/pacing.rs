//! No more runs of a workflow begin in a time than its rate lets, and none is forgotten that waits until it may.

use std::{
    num::NonZeroU32,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    TestBed,
    limiting::{ONE_PER_KEY, keyed, names},
    worker::{LEASE, QUEUE, end, go, message, rest, run, want},
};
use crate::{
    store::{Claimed, Commit, Due, Gate, Lane, NewRun, Rate, Renewed, Want},
    time::Timestamp,
};

/// For how long the cases' rates are: longer than the leases, so that a run may come back before it is over.
const PER: Duration = Duration::from_mins(1);

fn rate(starts: u32, per: Duration) -> Option<Rate> {
    NonZeroU32::new(starts).map(|starts| Rate { starts, per })
}

fn starts(starts: u32) -> Gate {
    Gate { rate: rate(starts, PER), ..Gate::default() }
}

/// Whoever claims, and whatever becomes of those that have begun.
pub(super) async fn no_more_runs_begin_than_a_workflow_may_in_its_time(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    for number in 0..6 {
        worker.start(run(&format!("run-{number}"))).await;
        worker.start(NewRun { queue: "other".into(), ..run(&format!("other-{number}")) }).await;
    }
    let (first_at, first) = worker.claim_as(vec![Want { gate: starts(3), ..want(QUEUE, 1, 2) }], 2).await;
    assert_eq!(first.runs.len(), 2);
    bed.pass(Duration::from_secs(7)).await;
    let (second_at, second) = other.claim_as(vec![Want { gate: starts(3), ..want(QUEUE, 1, 9) }], 9).await;
    assert_eq!(second.runs.len(), 1);
    let opens = first_at.saturating_add(PER);
    assert_eq!(worker.claim_by(starts(3), 99).await.next_due, Some(opens).min(Some(second.runs[0].0.until)));
    for (lease, record) in &first.runs {
        worker.commit_done(end(lease, record)).await;
    }
    let (lease, record) = &second.runs[0];
    other.commit_done(end(lease, record)).await;
    for worker in [&worker, &other] {
        let nothing = worker.claim_by(starts(3), 99).await;
        assert_eq!(
            (names(&nothing.runs), nothing.next_due),
            (vec![], Some(opens)),
            "until the first ones are over"
        );
    }
    let (_, claimed) = other.claim_as(vec![want("other", 1, 9)], 9).await;
    assert_eq!(claimed.runs.len(), 6, "another workflow has no rate");
    // To the first moment in which two more may begin: the third counts for seven seconds more.
    let now = worker.now().await;
    bed.pass(opens.saturating_since(now)).await;
    assert_eq!(worker.claim_by(starts(3), 99).await.runs.len(), 2);
    let now = worker.now().await;
    bed.pass(second_at.saturating_add(PER).saturating_since(now)).await;
    assert_eq!(other.claim_by(starts(3), 99).await.runs.len(), 1);
}

/// A run that rests, or whose lease ended, comes when it is due, however many wait to begin.
pub(super) async fn what_has_begun_is_not_held_up(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("first")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    for number in 0..5 {
        worker.start(NewRun { lane: Lane { priority: 9, key: None }, ..run(&format!("run-{number}")) }).await;
    }
    let due = worker.now().await.saturating_add(Duration::from_secs(5));
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    assert_eq!(worker.claim_by(starts(1), 99).await.next_due, Some(due));
    bed.pass(Duration::from_secs(6)).await;
    let (lease, _) = worker.only_by(starts(1)).await;
    assert_eq!(lease.run.as_str(), "first");
    bed.pass(LEASE * 2).await;
    assert_eq!(worker.only_by(starts(1)).await.0.run.as_str(), "first");
}

/// The most urgent first, and of those the one that was due first.
pub(super) async fn those_that_wait_begin_in_their_order(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("first")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    worker.commit_done(end(&lease, &record)).await;
    for (name, priority) in [("usual", 0), ("low", -5), ("later", 0), ("urgent", 9)] {
        worker.start(NewRun { lane: Lane { priority, key: None }, ..run(name) }).await;
        assert_eq!(worker.names_by(starts(1)).await, [""; 0]);
        assert!(matches!(worker.load(name).await.row.due, Due::Blocked { .. }), "no claim looks at it");
        bed.pass(Duration::from_millis(2)).await;
    }
    for next in ["urgent", "usual", "later", "low"] {
        bed.pass(PER).await;
        let (lease, record) = worker.only_by(starts(1)).await;
        assert_eq!(lease.run.as_str(), next);
        worker.commit_done(end(&lease, &record)).await;
    }
}

/// So that one which has begun, and is of the same key, is not held up by one that may not begin.
pub(super) async fn a_run_that_waits_leaves_its_turn_to_the_next_of_its_key(bed: Arc<dyn TestBed>) {
    let gate = Gate { per_key: Some(1), ..starts(3) };
    let worker = super::worker(&bed).await;
    worker.start(keyed("begun", "a")).await;
    let (lease, record) = worker.only_by(gate).await;
    let due = worker.now().await.saturating_add(Duration::from_secs(5));
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    worker.start(keyed("holder", "a")).await;
    let (holder, record) = worker.only_by(gate).await;
    // Both wait for the holder's place, and the one that has not begun is the more urgent one.
    let lane = Lane { priority: 9, key: Some("a".into()) };
    worker.start(NewRun { lane, ..run("new") }).await;
    bed.pass(Duration::from_secs(6)).await;
    assert_eq!(worker.names_by(gate).await, [""; 0]);
    // Now no more may begin.
    worker.start(run("plain")).await;
    worker.only_by(gate).await;
    worker.commit_done(end(&holder, &record)).await;
    let (lease, record) = worker.only_by(gate).await;
    assert_eq!(lease.run.as_str(), "begun");
    worker.commit_done(end(&lease, &record)).await;
    bed.pass(PER).await;
    assert!(worker.names_by(gate).await.contains(&"new".to_owned()));
}

/// The runs of one key that wait for each other don't make those of others wait: they are looked at once.
pub(super) async fn a_busy_key_does_not_hold_up_others(bed: Arc<dyn TestBed>) {
    let gate = Gate { per_key: Some(1), ..starts(2) };
    let worker = super::worker(&bed).await;
    for name in ["first", "second"] {
        worker.start(run(name)).await;
        let (lease, record) = worker.only_by(gate).await;
        worker.commit_done(end(&lease, &record)).await;
    }
    for number in 0..30 {
        worker.start(keyed(&format!("busy-{number}"), "busy")).await;
    }
    assert_eq!(worker.names_by(gate).await, [""; 0]);
    bed.pass(Duration::from_millis(2)).await;
    for number in 0..4 {
        worker.start(keyed(&format!("other-{number}"), &format!("key-{number}"))).await;
    }
    for others in [1, 1, 1, 1] {
        bed.pass(PER).await;
        let mut begun = worker.claim_by(gate, 8).await.runs;
        begun.sort_by(|(a, _), (b, _)| a.run.as_str().cmp(b.run.as_str()));
        let [(busy, busy_record), (other, record)] = &begun[..] else { panic!("{:?}", names(&begun)) };
        assert!(busy.run.as_str().starts_with("busy-") && other.run.as_str().starts_with("other-"));
        worker.commit_done(end(other, record)).await;
        worker.commit_done(end(busy, busy_record)).await;
        assert_eq!(worker.names_by(gate).await.len(), others - 1);
    }
}

/// Also where none of its priority was due before.
pub(super) async fn one_that_takes_the_turn_of_another_is_told(bed: Arc<dyn TestBed>) {
    let gate = Gate { per_key: Some(1), ..starts(3) };
    let worker = super::worker(&bed).await;
    let lane = |key: Option<&str>| Lane { priority: 9, key: key.map(Into::into) };
    worker.start(keyed("begun", "a")).await;
    let (lease, record) = worker.only_by(gate).await;
    let due = worker.now().await.saturating_add(Duration::from_secs(5));
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    worker.start(NewRun { lane: lane(Some("a")), ..run("holder") }).await;
    let (holder, record) = worker.only_by(gate).await;
    worker.start(NewRun { lane: lane(Some("a")), ..run("new") }).await;
    bed.pass(Duration::from_secs(6)).await;
    assert_eq!(worker.names_by(gate).await, [""; 0]);
    worker.start(NewRun { lane: lane(None), ..run("plain") }).await;
    worker.only_by(gate).await;
    worker.commit_done(end(&holder, &record)).await;
    let (now, claimed) = worker.claim_as(vec![Want { gate, ..want(QUEUE, 1, 8) }], 8).await;
    let is_told = claimed.next_due.is_some_and(|due| due <= now);
    assert!(is_told || names(&claimed.runs) == ["begun"], "{claimed:?}");
}

/// One that was lent and given back, or whose holder died, has begun.
pub(super) async fn a_run_begins_once(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("first")).await;
    let (lease, _) = worker.only_by(starts(1)).await;
    assert_eq!(worker.renew(vec![lease], Duration::ZERO).await.1, [Renewed::Released]);
    worker.only_by(starts(1)).await;
    bed.pass(LEASE * 2).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    // Its lease is counted for what it was in the beginning, and not again.
    worker.commit_done(go(&lease, &record)).await;
    worker.start(run("second")).await;
    bed.pass(PER.saturating_sub(LEASE * 2)).await;
    assert!(worker.names_by(starts(1)).await.contains(&"second".to_owned()));
}

/// It leaves its start to another, and begins when it is lent the next time.
pub(super) async fn a_run_that_has_not_begun_may_be_told_so(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("early")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    let due = worker.now().await.saturating_add(Duration::from_secs(20));
    worker.commit_done(Commit { unbegun: true, ..rest(&lease, &record, Some(due)) }).await;
    worker.start(run("cancelled")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    worker.commit_done(Commit { unbegun: true, ..end(&lease, &record) }).await;
    worker.start(run("usual")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    worker.commit_done(end(&lease, &record)).await;
    bed.pass(Duration::from_secs(30)).await;
    assert_eq!(worker.names_by(starts(1)).await, [""; 0], "it is due, and another one has begun");
    bed.pass(PER).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    worker.only_by(starts(1)).await;
}

/// It is looked at once more, and keeps its place among those that wait.
pub(super) async fn a_message_lets_no_run_begin(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("first")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    worker.commit_done(end(&lease, &record)).await;
    worker.start(run("second")).await;
    assert_eq!(worker.names_by(starts(1)).await, [""; 0]);
    let since = worker.load("second").await.row.due;
    worker.send(message("second", "hello")).await;
    assert_eq!(worker.names_by(starts(1)).await, [""; 0]);
    assert_eq!(worker.load("second").await.row.due, since);
    bed.pass(PER).await;
    let (_, record) = worker.only_by(starts(1)).await;
    assert_eq!(record.inbox.len(), 1);
}

/// Or where it is higher.
pub(super) async fn all_may_begin_where_there_is_no_rate_any_more(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for number in 0..6 {
        worker.start(run(&format!("run-{number}"))).await;
    }
    assert_eq!(worker.claim_by(starts(1), 99).await.runs.len(), 1);
    assert_eq!(worker.claim_by(starts(3), 99).await.runs.len(), 2);
    let few = worker.claim_by(Gate::default(), 1).await;
    assert_eq!(few.runs.len(), 1);
    assert!(few.next_due.is_some_and(|next| next <= few.runs[0].0.until), "there are more");
    assert_eq!(worker.claim_by(ONE_PER_KEY, 99).await.runs.len(), 2);
}

/// Also where one that it can't run is more urgent.
pub(super) async fn an_old_worker_begins_what_it_can_run(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("first")).await;
    let (lease, record) = worker.only_by(starts(1)).await;
    worker.commit_done(end(&lease, &record)).await;
    let mut new = NewRun { lane: Lane { priority: 9, key: None }, ..run("new") };
    new.head.version = 2;
    worker.start(new).await;
    let old = || vec![Want { gate: starts(1), ..want(QUEUE, 1, 9) }];
    assert_eq!(worker.names_by(starts(1)).await, [""; 0]);
    assert_eq!(worker.claim_as(old(), 9).await.1.next_due, None, "there is nothing for it");
    worker.start(run("old")).await;
    assert_eq!(worker.names_by(starts(1)).await, [""; 0]);
    bed.pass(PER).await;
    let (_, claimed) = worker.claim_as(old(), 9).await;
    assert_eq!(names(&claimed.runs), ["old"]);
}

/// However many claim at the same time.
pub(super) async fn a_rate_holds_and_no_run_is_forgotten_with_many_workers(bed: Arc<dyn TestBed>) {
    const RUNS: usize = 24;
    // Far shorter than a lease, so that none ends.
    let per = Duration::from_secs(4);
    let gate = Gate { rate: rate(5, per), at_once: Some(4), per_key: Some(2) };
    let worker = super::worker(&bed).await;
    for number in 0..RUNS {
        worker.start(keyed(&format!("run-{number}"), &format!("key-{}", number % 4))).await;
    }
    let (begun, ended): (Arc<Mutex<Vec<Timestamp>>>, Arc<Mutex<usize>>) = Default::default();
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let (worker, begun, ended) = (super::worker(&bed).await, begun.clone(), ended.clone());
        workers.spawn(async move {
            while *ended.lock().expect("a count") < RUNS {
                let (now, claimed) = worker.claim_as(vec![Want { gate, ..want(QUEUE, 1, 2) }], 2).await;
                let Claimed { runs, .. } = claimed;
                if runs.is_empty() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                for (lease, record) in runs {
                    if record.row.revision.0 > 0 {
                        worker.commit_done(end(&lease, &record)).await;
                        *ended.lock().expect("a count") += 1;
                    } else {
                        begun.lock().expect("times").push(now);
                        worker.commit_done(rest(&lease, &record, Some(now))).await;
                    }
                }
            }
            // The session must live on, or its runs are given away.
            worker
        });
    }
    let mut over = pin!(workers.join_all());
    // Time passes bit by bit.
    for _ in 0..200 {
        tokio::select! {
            _ = &mut over => break,
            () = tokio::time::sleep(Duration::from_millis(50)) => bed.pass(Duration::from_secs(1)).await,
        }
    }
    let forgotten = RUNS - *ended.lock().expect("a count");
    assert_eq!(forgotten, 0, "so many runs were forgotten");
    let mut begun = begun.lock().expect("times").clone();
    begun.sort();
    let spans = begun.windows(6).map(|six| six[5].saturating_since(six[0]));
    assert!(spans.into_iter().all(|span| span >= per), "six began in a time for five: {begun:?}");
}
