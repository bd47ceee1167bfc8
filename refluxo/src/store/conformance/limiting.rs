//! No more runs of a workflow are lent at once than its gate lets through, and none is forgotten that waits for its turn.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    TestBed,
    worker::{LEASE, QUEUE, Worker, end, go, message, rest, run, want},
};
use crate::{
    store::{Claimed, Created, Due, Filter, Gate, Lane, Lease, NewRun, Record, Renewed, Start, Want},
    time::Timestamp,
};

/// All runs of one key, one at a time.
pub(super) const ONE_PER_KEY: Gate = Gate { at_once: None, per_key: Some(1), rate: None };

fn at_once(runs: u32) -> Gate {
    Gate { at_once: Some(runs), ..Gate::default() }
}

pub(super) fn keyed(name: &str, key: &str) -> NewRun {
    NewRun { lane: Lane { key: Some(key.into()), ..Lane::default() }, ..run(name) }
}

impl Worker {
    /// Claims through a gate.
    pub(super) async fn claim_by(&self, gate: Gate, slots: u32) -> Claimed {
        self.claim_as(vec![Want { gate, ..want(QUEUE, u32::MAX, slots) }], slots).await.1
    }

    /// The names of the runs that it claims through a gate.
    pub(super) async fn names_by(&self, gate: Gate) -> Vec<String> {
        names(&self.claim_by(gate, 99).await.runs)
    }

    /// Claims the only run that a gate lets through.
    pub(super) async fn only_by(&self, gate: Gate) -> (Lease, Record) {
        let mut runs = self.claim_by(gate, 99).await.runs;
        assert_eq!(runs.len(), 1, "{:?}", names(&runs));
        runs.remove(0)
    }
}

pub(super) fn names(runs: &[(Lease, Record)]) -> Vec<String> {
    runs.iter().map(|(lease, _)| lease.run.as_str().to_owned()).collect()
}

/// Whoever claims, and what is given back leaves its place to the next.
pub(super) async fn no_more_runs_are_lent_than_a_workflow_may_have(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    for number in 0..5 {
        worker.start(run(&format!("run-{number}"))).await;
        worker.start(NewRun { queue: "other".into(), ..run(&format!("other-{number}")) }).await;
    }
    let mine = worker.claim_by(at_once(2), 99).await;
    assert_eq!(mine.runs.len(), 2);
    assert_eq!(mine.next_due, None, "its own leases are no news, and the others wait for them");
    let theirs = other.claim_by(at_once(2), 99).await;
    assert_eq!((theirs.runs.len(), theirs.next_due), (0, Some(mine.runs[0].0.until)), "until a lease ends");
    // Another worker has a higher limit, and then no more than its own.
    assert_eq!(other.claim_by(at_once(3), 99).await.runs.len(), 1);
    let (lease, record) = &mine.runs[0];
    worker.commit_done(rest(lease, record, None)).await;
    assert_eq!(other.claim_by(at_once(2), 99).await.runs.len(), 0, "there are two still");
    let (lease, record) = &mine.runs[1];
    worker.commit_done(end(lease, record)).await;
    assert_eq!(other.claim_by(at_once(2), 99).await.runs.len(), 1);
    let (_, claimed) = other.claim_as(vec![want("other", 1, 9)], 9).await;
    assert_eq!(claimed.runs.len(), 5, "another workflow has no limit");
}

/// They are counted across all keys and without one.
pub(super) async fn both_limits_hold_at_once(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for name in ["a1", "a2", "b1", "b2", "c1"] {
        worker.start(keyed(name, &name[..1])).await;
    }
    worker.start(run("plain")).await;
    let gate = Gate { at_once: Some(3), ..ONE_PER_KEY };
    let mut runs = worker.claim_by(gate, 99).await.runs;
    assert_eq!(runs.len(), 3);
    let mut order = Vec::new();
    while let Some((lease, record)) = runs.pop() {
        order.push(lease.run.as_str().to_owned());
        let lent = runs.iter().map(|(lease, _)| lease.run.as_str()).chain([lease.run.as_str()]);
        let keys: Vec<&str> = lent.map(|name| &name[..1]).filter(|key| *key != "p").collect();
        assert_eq!(keys.len(), keys.iter().collect::<BTreeSet<_>>().len(), "{keys:?}");
        worker.commit_done(end(&lease, &record)).await;
        runs.extend(worker.claim_by(gate, 99).await.runs);
        assert!(runs.len() <= 3);
    }
    order.sort();
    assert_eq!(order, ["a1", "a2", "b1", "b2", "c1", "plain"]);
}

/// It leaves what claims look at, and comes back in its turn, however the one before it was given back.
pub(super) async fn runs_of_one_key_follow_each_other(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    for name in ["a1", "a2", "a3", "a4", "b1"] {
        worker.start(keyed(name, &name[..1])).await;
        bed.pass(Duration::from_millis(2)).await;
    }
    worker.start(run("plain")).await;
    let mut first = worker.claim_by(ONE_PER_KEY, 99).await;
    assert_eq!(names(&first.runs), ["a1", "b1", "plain"]);
    assert_eq!(first.next_due, None, "nobody looks at those that wait for another");
    assert!(matches!(worker.load("a2").await.row.due, Due::Blocked { .. }));
    assert_eq!(other.names_by(ONE_PER_KEY).await, [""; 0]);
    let (lease, record) = first.runs.remove(0);
    worker.commit_done(go(&lease, &record)).await;
    assert_eq!(other.names_by(ONE_PER_KEY).await, [""; 0], "who goes on keeps its place");
    let lease = Lease { revision: lease.revision.next(), ..lease };

    let due = worker.now().await.saturating_add(LEASE * 9);
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    let (lease, _) = other.only_by(ONE_PER_KEY).await;
    assert_eq!(lease.run.as_str(), "a2", "the one that was due first follows one that rests");
    assert_eq!(other.renew(vec![lease], Duration::ZERO).await.1, [Renewed::Released]);
    let mut ended = Vec::new();
    for _ in 0..3 {
        let (lease, record) = worker.only_by(ONE_PER_KEY).await;
        worker.commit_done(end(&lease, &record)).await;
        ended.push(lease.run.as_str().to_owned());
    }
    ended.sort();
    assert_eq!(ended, ["a2", "a3", "a4"], "one follows another that is given back, and another that ends");
    assert_eq!(worker.names_by(ONE_PER_KEY).await, [""; 0], "the first one sleeps");
    bed.pass(LEASE * 10).await;
    assert!(worker.names_by(ONE_PER_KEY).await.contains(&"a1".to_owned()));
}

/// Its places are free when its leases end, or at once where the store can tell that it is dead.
pub(super) async fn a_worker_that_dies_leaves_its_places(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let gate = Gate { at_once: Some(1), ..ONE_PER_KEY };
    worker.start(keyed("a1", "a")).await;
    let (lease, _) = worker.only_by(gate).await;
    worker.start(keyed("a2", "a")).await;
    let blocked = other.claim_by(gate, 9).await;
    assert_eq!((blocked.runs.len(), blocked.next_due), (0, Some(lease.until)));
    assert_eq!(other.names_by(ONE_PER_KEY).await, [""; 0]);
    bed.pass(LEASE * 2).await;
    // Whichever of the two comes first, the other one waits.
    let (lease, record) = other.only_by(gate).await;
    other.claim_by(gate, 9).await;
    other.commit_done(end(&lease, &record)).await;
    let (last, record) = other.only_by(gate).await;
    assert_ne!(last.run, lease.run);
    if bed.tells_dead_sessions() {
        let third = super::worker(&bed).await;
        third.start(keyed("a3", "a")).await;
        assert_eq!(third.names_by(gate).await, [""; 0]);
        drop(other);
        let (first, record) = third.only_by(gate).await;
        third.commit_done(end(&first, &record)).await;
        let (second, record) = third.only_by(gate).await;
        third.commit_done(end(&second, &record)).await;
        assert_ne!(first.run, second.run);
    } else {
        other.commit_done(end(&last, &record)).await;
    }
}

/// Of those that wait, and of those that are not yet due none.
pub(super) async fn the_most_urgent_of_a_key_comes_next(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(keyed("first", "a")).await;
    let (mut lease, mut record) = worker.only_by(ONE_PER_KEY).await;
    let now = worker.now().await;
    let later = Start::At(now.saturating_add(LEASE * 99));
    let lane = |priority| Lane { priority, key: Some("a".into()) };
    for (name, priority) in [("usual", 0), ("low", -5), ("urgent", 9)] {
        worker.start(NewRun { lane: lane(priority), ..run(name) }).await;
        worker.names_by(ONE_PER_KEY).await;
        bed.pass(Duration::from_millis(2)).await;
    }
    worker.start(NewRun { lane: lane(100), start: later, ..run("sleeper") }).await;
    for next in ["urgent", "usual", "low"] {
        worker.commit_done(end(&lease, &record)).await;
        (lease, record) = worker.only_by(ONE_PER_KEY).await;
        assert_eq!(lease.run.as_str(), next);
    }
}

/// A message has it looked at once more, and lets it through no gate.
pub(super) async fn a_message_lets_no_run_through_a_gate(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(keyed("a1", "a")).await;
    let (lease, record) = worker.only_by(ONE_PER_KEY).await;
    worker.start(keyed("a2", "a")).await;
    assert_eq!(worker.names_by(ONE_PER_KEY).await, [""; 0]);
    let since = worker.load("a2").await.row.due;
    worker.send(message("a2", "hello")).await;
    assert_eq!(worker.names_by(ONE_PER_KEY).await, [""; 0]);
    assert_eq!(worker.load("a2").await.row.due, since, "it keeps its place in the line");
    worker.commit_done(end(&lease, &record)).await;
    let (_, record) = worker.only_by(ONE_PER_KEY).await;
    assert_eq!(record.inbox.len(), 1);
}

/// So that nobody waits for a run that no worker can run.
pub(super) async fn the_next_of_each_version_may_come(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let of_version = |name, version| {
        let mut new = keyed(name, "a");
        new.head.version = version;
        new
    };
    worker.start(of_version("first", 1)).await;
    let (lease, record) = worker.only_by(ONE_PER_KEY).await;
    worker.start(of_version("new", 2)).await;
    bed.pass(Duration::from_millis(2)).await;
    worker.start(of_version("old", 1)).await;
    assert_eq!(worker.names_by(ONE_PER_KEY).await, [""; 0]);
    worker.commit_done(end(&lease, &record)).await;
    let old_worker = Want { gate: ONE_PER_KEY, ..want(QUEUE, 1, 9) };
    let (_, claimed) = worker.claim_as(vec![old_worker], 9).await;
    assert_eq!(names(&claimed.runs), ["old"]);
}

/// As soon as one is given back, also if there is none any more.
pub(super) async fn a_higher_limit_lets_more_runs_through(bed: Arc<dyn TestBed>) {
    for (number, gate) in [Gate { per_key: Some(3), ..ONE_PER_KEY }, Gate::default()].into_iter().enumerate()
    {
        let worker = super::worker(&bed).await;
        let key = format!("key-{number}");
        worker.start(keyed(&format!("{key}-first"), &key)).await;
        let (lease, record) = worker.only_by(ONE_PER_KEY).await;
        for other in 0..5 {
            worker.start(keyed(&format!("{key}-{other}"), &key)).await;
        }
        assert_eq!(worker.names_by(ONE_PER_KEY).await, [""; 0]);
        worker.commit_done(end(&lease, &record)).await;
        let mut lent = Vec::new();
        while let more = worker.claim_by(gate, 99).await.runs
            && !more.is_empty()
        {
            lent.extend(more);
        }
        let expected = gate.per_key.unwrap_or(5) as usize;
        assert_eq!(lent.len(), expected);
        for (lease, record) in lent {
            worker.commit_done(end(&lease, &record)).await;
        }
        while let more = worker.claim_by(gate, 99).await.runs
            && !more.is_empty()
        {
            for (lease, record) in more {
                worker.commit_done(end(&lease, &record)).await;
            }
        }
        let ended = Filter { ended_from: Some(Timestamp::EPOCH), ..Filter::default() };
        assert_eq!(worker.list(ended).await.len(), 6 * (number + 1));
    }
}

/// Only a claim knows how many of its key may be.
pub(super) async fn a_run_with_a_key_is_not_lent_at_its_birth(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let start = Start::Lent { session: worker.session.clone(), keep: LEASE };
    let new = NewRun { start, ..keyed("a1", "a") };
    for _ in 0..2 {
        let created = worker.create(new.clone()).await;
        assert!(matches!(created, Created::New { lease: None }), "{created:?}");
    }
    let (_, record) = worker.only_by(ONE_PER_KEY).await;
    assert_eq!(record.row.lane, new.lane);
    let created = worker.create(new).await;
    assert!(matches!(created, Created::New { lease: None }), "{created:?}");
}

/// However many claim, rest, end and give back at the same time.
pub(super) async fn limits_hold_and_no_run_is_forgotten_with_many_workers(bed: Arc<dyn TestBed>) {
    const RUNS: usize = 60;
    let gate = Gate { at_once: Some(5), per_key: Some(2), rate: None };
    let worker = super::worker(&bed).await;
    for number in 0..RUNS {
        worker.start(keyed(&format!("run-{number}"), &format!("key-{}", number % 4))).await;
    }
    // How many runs are lent, of each key. A worker notes that it has one after it got it, and that it has it no more before
    // it gives it back.
    let lent: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let ended: Arc<Mutex<usize>> = Arc::default();
    let mut workers = JoinSet::new();
    for number in 0..4 {
        let (worker, lent, ended) = (super::worker(&bed).await, lent.clone(), ended.clone());
        workers.spawn(async move {
            let mut turn: u64 = number;
            while *ended.lock().expect("a count") < RUNS {
                let claimed = worker.claim_by(gate, 2).await;
                if claimed.runs.is_empty() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                for (_, record) in &claimed.runs {
                    let mut lent = lent.lock().expect("counts");
                    let of_key = lent.entry(record.row.lane.key.clone().expect("a key")).or_default();
                    *of_key += 1;
                    assert!(*of_key <= 2, "too many of one key");
                    assert!(lent.values().sum::<u32>() <= 5, "too many in all: {lent:?}");
                }
                for (lease, record) in claimed.runs {
                    tokio::task::yield_now().await;
                    turn += 1;
                    let key = record.row.lane.key.clone().expect("a key");
                    *lent.lock().expect("counts").get_mut(&key).expect("it was counted") -= 1;
                    match turn % 3 {
                        0 => {
                            worker.commit_done(rest(&lease, &record, Some(record.row.created))).await;
                        }
                        1 => {
                            let released = worker.renew(vec![lease], Duration::ZERO).await.1;
                            assert_eq!(released, [Renewed::Released]);
                        }
                        _ => {
                            worker.commit_done(end(&lease, &record)).await;
                            *ended.lock().expect("a count") += 1;
                        }
                    }
                }
            }
            // The session must live on, or its runs are given away.
            worker
        });
    }
    let all = tokio::time::timeout(Duration::from_mins(1), workers.join_all()).await;
    let forgotten = RUNS - *ended.lock().expect("a count");
    assert!(all.is_ok(), "{forgotten} runs were forgotten");
}
