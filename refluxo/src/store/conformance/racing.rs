//! The same guarantees when everything happens at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{
    TestBed, messages,
    worker::{Worker, after, done, end, go, keyed, message, rest, run},
};
use crate::store::{Commit, Committed, Effect, Lease, Record};

/// The classic lost wake-up: whichever of the two comes first, the run is due afterwards.
pub(super) async fn a_message_that_races_a_rest_is_found(bed: Arc<dyn TestBed>) {
    let (worker, sender) = (super::worker(&bed).await, super::worker(&bed).await);
    let (mut lease, mut record) = worker.start_held(run("a")).await;
    for round in 0..60 {
        let note = keyed("a", &round.to_string());
        let rests = rest(&lease, &record, None);
        // Whichever is polled first is not always the first to arrive, but over the rounds both orders come up.
        if round % 2 == 0 {
            tokio::join!(worker.commit_done(rests), sender.send(note));
        } else {
            tokio::join!(sender.send(note), worker.commit_done(rests));
        }
        (lease, record) = worker.claim("a").await;
        let consume = record.inbox.iter().map(|received| received.seq).collect();
        let (revision, more, _) = worker.commit_done(Commit { consume, ..go(&lease, &record) }).await;
        assert!(!more);
        lease = after(&lease, revision);
    }
}

/// A sender that never pauses, and a run that always goes to rest: each message is consumed, and once.
pub(super) async fn no_message_is_lost_between_a_sender_and_a_resting_run(bed: Arc<dyn TestBed>) {
    const MESSAGES: usize = 400;
    let worker = super::worker(&bed).await;
    worker.start(run("a")).await;
    let mut senders = JoinSet::new();
    for sender in 0..2 {
        let other = super::worker(&bed).await;
        senders.spawn(async move {
            for number in 0..MESSAGES / 2 {
                other.send(keyed("a", &format!("{sender}-{number}"))).await;
                tokio::task::yield_now().await;
            }
        });
    }
    let mut consumed = 0;
    while consumed < MESSAGES {
        // What was sent before a claim must be found by it or by one that comes after the rest.
        let all_sent = senders.is_empty();
        let due = worker.claim_all().await;
        assert!(!(all_sent && due.is_empty()), "the run sleeps on {} messages", MESSAGES - consumed);
        for (lease, record) in due {
            tokio::task::yield_now().await;
            consumed += messages::consume_all(&worker, &lease, &record).await;
        }
        while let Some(sender) = senders.try_join_next() {
            sender.expect("a sender");
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(consumed, MESSAGES, "each message once");
    worker.claims_nothing("all were consumed").await;
}

/// Batches that touch the same runs in opposite orders neither lock each other up nor lose a message.
pub(super) async fn crossing_batches_all_land(bed: Arc<dyn TestBed>) {
    const RUNS: usize = 8;
    const ROUNDS: u64 = 25;
    let name = |number: usize| format!("run-{number}");
    let mut workers = JoinSet::new();
    let mut held: Vec<(Worker, Vec<(Lease, Record)>)> = Vec::new();
    for side in 0..2 {
        let worker = super::worker(&bed).await;
        let mut mine = Vec::new();
        for number in (0..RUNS).filter(|number| number % 2 == side) {
            mine.push(worker.start_held(run(&name(number))).await);
        }
        held.push((worker, mine));
    }
    for (side, (worker, mine)) in held.into_iter().enumerate() {
        workers.spawn(async move {
            for round in 0..ROUNDS {
                let commits = mine.iter().enumerate().map(|(place, (lease, record))| {
                    let to = (2 * place + 1 + side) % RUNS;
                    let effects = vec![Effect::Deliver(keyed(&name(to), &format!("{round}-{}", lease.run)))];
                    let lease = after(lease, crate::store::Revision(round));
                    Commit { effects, ..go(&lease, record) }
                });
                let mut batch: Vec<_> = commits.collect();
                if side == 1 {
                    batch.reverse();
                }
                for answer in worker.store.commit(batch).await.expect("commit").value {
                    worker.carry_out(&done(answer).2).await;
                }
            }
            worker
        });
    }
    let workers = workers.join_all().await;
    let mut received = 0;
    for number in 0..RUNS {
        let record = workers[0].load(&name(number)).await;
        assert_eq!(record.row.revision.0, ROUNDS);
        received += record.inbox.len() as u64;
    }
    assert_eq!(received, ROUNDS * RUNS as u64);
}

/// A worker that was thought dead and the one in its place: one commit of the two applies, at every revision.
pub(super) async fn of_two_commits_at_one_revision_one_applies(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    for round in 0..40 {
        let name = format!("run-{round}");
        let (stale, record) = worker.start_held(run(&name)).await;
        // The other claims while the first one commits: either the commit comes first and the claim finds its work, or
        // the claim comes first and the commit is lost.
        bed.pass(super::worker::LEASE * 2).await;
        let (first, claimed) = tokio::join!(worker.commit(go(&stale, &record)), other.claim(&name));
        let (lease, found) = claimed;
        let landed = matches!(first, Committed::Done { .. });
        assert_eq!(found.row.revision.0, u64::from(landed), "the claim sees what has landed");
        other.commit_done(end(&lease, &found)).await;
        let again = worker.commit(rest(&after(&stale, found.row.revision), &record, None)).await;
        assert!(matches!(again, Committed::Lost), "the first is out: {again:?}");
    }
    let _ = worker.deliver(message("run-0", "late")).await;
}
