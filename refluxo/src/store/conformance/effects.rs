//! What leaves a run is done if its commit is, once.

use std::sync::Arc;

use super::{
    TestBed,
    worker::{LEASE, Worker, after, child, done, end, go, id, keyed, message, rest, run, texts},
};
use crate::store::{Commit, Created, Delivered, Depth, Effect, Filter, Lease, Message, NewRun, Seq, Start};

fn start(new: NewRun) -> Effect {
    Effect::Start(Box::new(new))
}

/// A started child is due, a delivered message is there.
pub(super) async fn effects_are_applied_with_their_commit(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("friend")).await;
    let (_held, _) = worker.claim("friend").await;
    let (lease, record) = worker.start_held(run("a")).await;
    let lent = Start::Lent { session: worker.session.clone(), keep: LEASE };
    let effects =
        vec![start(NewRun { start: lent, ..child("a/1", "a") }), Effect::Deliver(keyed("friend", "hello"))];
    let commit = Commit { effects, ..go(&lease, &record) };
    let (revision, _, owed) = worker.commit_done(commit).await;
    assert_eq!(owed.is_empty(), bed.applies_effects(), "owed: {owed:?}");
    if bed.applies_effects() {
        // A commit's answer has no place for a lease, so a child is never lent.
        let (_, record) = worker.claim("a/1").await;
        assert_eq!((record.row.parent, record.row.root), (Some(id("a")), id("a")));
    } else {
        worker.carry_out(&owed).await;
        let settled = owed.iter().map(|owed| owed.id).collect();
        let (.., owed) =
            worker.commit_done(Commit { settled, ..go(&after(&lease, revision), &record) }).await;
        assert_eq!(owed, [], "what was settled is not owed");
    }
    assert_eq!(inbox(&worker, "friend").await, ["hello"]);
}

/// A worker that lost its run starts no children and sends nothing.
pub(super) async fn a_lost_commit_has_no_effects(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    worker.start_held(run("friend")).await;
    let (stale, record) = worker.start_held(run("a")).await;
    bed.pass(LEASE * 2).await;
    assert_eq!(other.claim_all().await.len(), 2);
    let effects = vec![start(child("a/1", "a")), Effect::Deliver(message("friend", "hello"))];
    worker.commit_lost(Commit { effects, ..go(&stale, &record) }, "another claimed").await;
    assert!(worker.find("a/1", Depth::Head).await.is_none(), "the loser's child");
    assert_eq!(inbox(&worker, "friend").await, [""; 0], "the loser's message");
}

/// Not even effects without a key.
pub(super) async fn a_commit_sent_again_repeats_no_effects(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start_held(run("friend")).await;
    let (lease, record) = worker.start_held(run("a")).await;
    let commit = Commit { effects: vec![Effect::Deliver(message("friend", "hello"))], ..go(&lease, &record) };
    let (_, _, first) = worker.commit_done(commit.clone()).await;
    let (_, _, second) = worker.commit_done(commit).await;
    assert_eq!(first, second, "the same effects are owed");
    worker.carry_out(&first).await;
    assert_eq!(inbox(&worker, "friend").await, ["hello"]);
}

/// A child's end and its parent's rest meet in one batch, in either order: the parent is woken.
pub(super) async fn parent_and_child_commit_in_one_batch(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for (parent, name, child_first) in [("p1", "p1/c", true), ("p2", "p2/c", false)] {
        let (parent_lease, parent_record) = worker.start_held(run(parent)).await;
        let (child_lease, child_record) = worker.start_held(child(name, parent)).await;
        let told = Message { uid: Some(parent_record.row.uid), ..keyed(parent, "done") };
        let child_ends = Commit { effects: vec![Effect::Deliver(told)], ..end(&child_lease, &child_record) };
        let parent_rests = rest(&parent_lease, &parent_record, None);
        let batch = if child_first { vec![child_ends, parent_rests] } else { vec![parent_rests, child_ends] };
        for answer in worker.store.commit(batch).await.expect("commit").value {
            worker.carry_out(&done(answer).2).await;
        }
        let woken = worker.claim_all().await;
        let woken = woken.iter().find(|(lease, _)| lease.run.as_str() == parent);
        let (_, record) = woken.unwrap_or_else(|| panic!("{parent} sleeps on"));
        assert_eq!(texts(record.inbox.iter().map(|received| &received.body)), ["done"]);
        assert!(worker.load(name).await.row.ended.is_some());
    }
}

/// A store or a driver may carry an effect out twice; the receiver's memory of keys makes that once.
pub(super) async fn an_effect_redelivered_after_its_consumption_is_a_duplicate(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (parent, parent_record) = worker.start_held(run("p")).await;
    worker.commit_done(rest(&parent, &parent_record, None)).await;
    let (lease, record) = worker.start_held(child("p/c", "p")).await;
    let told = keyed("p", "done");
    worker.commit_with(go(&lease, &record), vec![Effect::Deliver(told.clone())]).await;
    let (parent, parent_record) = worker.claim("p").await;
    let consumed = Commit { consume: vec![Seq(1)], ..rest(&parent, &parent_record, None) };
    worker.commit_done(consumed).await;
    let answer = worker.deliver(told.clone()).await;
    assert!(matches!(answer, Delivered::Duplicate), "after the consumption: {answer:?}");
    let lease = after(&lease, crate::store::Revision(1));
    worker.commit_with(end(&lease, &record), vec![Effect::Deliver(told)]).await;
    assert_eq!(inbox(&worker, "p").await, [""; 0]);
    let due: Vec<_> = worker.claim_all().await.into_iter().map(|(lease, _)| lease.run).collect();
    assert!(!due.contains(&id("p")), "a duplicate wakes nobody");
}

/// A run may be its own friend: the message comes after the commit that sent it.
pub(super) async fn a_message_to_oneself_is_received(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    worker.commit_with(rest(&lease, &record, None), vec![Effect::Deliver(keyed("a", "me"))]).await;
    let (_, record) = worker.claim("a").await;
    assert_eq!(texts(record.inbox.iter().map(|received| &received.body)), ["me"]);
}

/// The sender of an effect can't be told to wait, so bounds do not hold for it; a child's end is never lost.
pub(super) async fn an_effect_goes_into_a_full_inbox(bed: Arc<dyn TestBed>) {
    if !bed.applies_effects() {
        // There the driver delivers effects, and waits while an inbox is full.
        return;
    }
    let worker = super::worker(&bed).await;
    worker.start_held(run("p")).await;
    let all = usize::try_from(bed.limits().inbox_bytes).expect("fits in memory");
    worker.send(Message { body: vec![0; all].into(), ..message("p", "") }).await;
    assert!(matches!(worker.deliver(message("p", "no")).await, Delivered::Full));
    let (lease, record) = worker.start_held(child("p/c", "p")).await;
    worker
        .commit_done(Commit { effects: vec![Effect::Deliver(keyed("p", "done"))], ..end(&lease, &record) })
        .await;
    assert_eq!(worker.load("p").await.row.inbox_last, Seq(2));
}

/// A child whose id somebody else has taken is not started: the parent is handed the effect, also by the next claim.
pub(super) async fn a_start_under_a_taken_id_stays_owed(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start_held(run("taken")).await;
    let (lease, record) = worker.start_held(run("a")).await;
    let effects = vec![start(child("taken", "a"))];
    let (_, _, owed) = worker.commit_done(Commit { effects, ..rest(&lease, &record, None) }).await;
    assert_eq!(owed.len(), 1, "the start is owed");
    let (lease, record) = worker.claim("a").await;
    assert_eq!(record.owed, owed, "and found by the next claim");
    let Effect::Start(new) = owed[0].effect.clone() else { panic!("a start is owed, not {:?}", owed[0]) };
    let answer = worker.create(*new).await;
    assert!(matches!(answer, Created::Exists { .. }), "now its holder knows why: {answer:?}");
    let settled = record.owed_ids().collect();
    let (.., owed) = worker.commit_done(Commit { settled, ..rest(&lease, &record, None) }).await;
    assert_eq!(owed, []);
    worker.claims_nothing("nothing is owed any more").await;
}

/// Between a commit and its owed effects the process may die: whoever claims the run next carries them out, also if it
/// has ended.
pub(super) async fn owed_effects_are_found_by_the_next_claim(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start_held(run("taken")).await;
    for (name, ends) in [("a", false), ("b", true)] {
        let (lease, record) = worker.start_held(run(name)).await;
        let effects = vec![start(child("taken", name)), start(child(&format!("{name}/c"), name))];
        let last = if ends { end(&lease, &record) } else { rest(&lease, &record, None) };
        let (_, _, owed) = worker.commit_done(Commit { effects, ..last }).await;
        assert!(!owed.is_empty(), "at least the start under a taken id");
        let filter = Filter { statuses: vec![crate::store::Status::Completed], ..Filter::default() };
        assert_eq!(worker.purge(filter, 9).await, 0, "who owes is not purged");
        let due = worker.claim_all().await;
        let (lease, record) = held(&due, name);
        assert_eq!(record.owed, owed);
        worker.carry_out(&record.owed).await;
        let settled = record.owed_ids().collect();
        let last = if ends { end(lease, record) } else { rest(lease, record, None) };
        worker.commit_done(Commit { settled, ..last }).await;
        assert!(worker.find(&format!("{name}/c"), Depth::Head).await.is_some());
        worker.claim_all().await;
    }
    bed.pass(LEASE * 2).await;
    let due: Vec<_> = worker.claim_all().await.into_iter().map(|(lease, _)| lease.run.to_string()).collect();
    assert!(!due.contains(&"a".into()) && !due.contains(&"b".into()), "settled runs rest: {due:?}");
}

fn held<'a>(due: &'a [(Lease, crate::store::Record)], name: &str) -> &'a (Lease, crate::store::Record) {
    due.iter().find(|(lease, _)| lease.run.as_str() == name).unwrap_or_else(|| panic!("{name} is not due"))
}

async fn inbox(worker: &Worker, name: &str) -> Vec<String> {
    let record = worker.load(name).await;
    texts(record.inbox.iter().map(|received| &received.body)).into_iter().map(String::from).collect()
}
