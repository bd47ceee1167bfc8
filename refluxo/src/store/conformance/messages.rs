//! No message is lost, none is taken twice, and none disturbs the holder.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    TestBed,
    worker::{LEASE, Worker, after, end, go, keyed, message, rest, run, texts},
};
use crate::store::{Commit, Delivered, Lease, Message, Record, Renewed, Revision, Seq, Uid};

/// A run that rests for a message is due when one comes, and has it.
pub(super) async fn a_message_wakes_a_resting_run(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let later = worker.now().await.saturating_add(LEASE * 100);
    for (name, due) in [("a", None), ("b", Some(later))] {
        let (lease, record) = worker.start_held(run(name)).await;
        worker.commit_done(rest(&lease, &record, due)).await;
        worker.claims_nothing("it rests").await;
        worker.send(message(name, "hello")).await;
        let (_held, record) = worker.claim(name).await;
        assert_eq!(bodies(&record), ["hello"]);
        assert_eq!((record.row.inbox_last, record.row.inbox_read, record.seen()), (Seq(1), Seq(0), Seq(1)));
    }
}

/// The doorbell: a message that its holder did not know of makes the resting run due at once.
pub(super) async fn a_message_that_came_before_the_rest_wakes_the_run(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    worker.send(message("a", "hello")).await;
    let (revision, more, _) = worker.commit_done(go(&lease, &record)).await;
    assert!(more, "a holder that goes on is told");
    let (_, more, _) = worker.commit_done(rest(&after(&lease, revision), &record, None)).await;
    assert!(more, "a holder that rests is told");
    let (lease, record) = worker.claim("a").await;
    assert_eq!(bodies(&record), ["hello"]);
    worker.commit_done(rest(&lease, &record, None)).await;
    worker.claims_nothing("now it was seen").await;
}

/// What counts as seen is what was really loaded, not a counter.
pub(super) async fn a_message_between_claim_and_load_is_seen_by_the_load_only(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for (name, with_load) in [("by-the-claim", false), ("by-the-load", true)] {
        worker.start(run(name)).await;
        worker.send(message(name, "first")).await;
        let (lease, claimed) = worker.claim(name).await;
        worker.send(message(name, "second")).await;
        let loaded = worker.load(name).await;
        assert_eq!((claimed.seen(), loaded.seen()), (Seq(1), Seq(2)));
        let record = if with_load { &loaded } else { &claimed };
        let (_, more, _) = worker.commit_done(rest(&lease, record, None)).await;
        assert_eq!(more, !with_load, "seen {name}");
        if with_load {
            worker.claims_nothing("both were seen").await;
        } else {
            let (lease, record) = worker.claim(name).await;
            assert_eq!(bodies(&record), ["first", "second"]);
            worker.commit_done(rest(&lease, &record, None)).await;
        }
    }
}

/// A message that was seen and not used, a signal that comes early, waits without keeping its run awake.
pub(super) async fn a_seen_message_lets_the_run_rest(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("a")).await;
    worker.send(message("a", "early")).await;
    let (lease, record) = worker.claim("a").await;
    worker.commit_done(rest(&lease, &record, None)).await;
    worker.claims_nothing("the message was seen").await;
    worker.send(message("a", "second")).await;
    let (lease, record) = worker.claim("a").await;
    assert_eq!(bodies(&record), ["early", "second"], "the early one is still there");
    let due = worker.now().await.saturating_add(LEASE);
    worker.commit_done(rest(&lease, &record, Some(due))).await;
    worker.claims_nothing("both were seen").await;
}

/// A busy sender can't starve a run: its messages fence nothing.
pub(super) async fn a_message_leaves_lease_and_revision_alone(bed: Arc<dyn TestBed>) {
    let (worker, other) = (super::worker(&bed).await, super::worker(&bed).await);
    let (mut lease, record) = worker.start_held(run("a")).await;
    for round in 0..20 {
        other.send(message("a", "hello")).await;
        assert_eq!(worker.load("a").await.row.revision, Revision(round));
        let (revision, ..) = worker.commit_done(go(&lease, &record)).await;
        lease = after(&lease, revision);
        other.claims_nothing("the lease stands").await;
    }
    let (now, renewed) = worker.renew(vec![lease], LEASE).await;
    assert_eq!(renewed, [Renewed::Kept { until: now.saturating_add(LEASE), messages: true }]);
}

/// Places grow by one, times stand on the messages, and only consumption removes them.
pub(super) async fn messages_come_in_order_and_stay_until_they_are_consumed(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    let before = worker.now().await;
    let batch = ["1", "2", "3", "4"].map(|body| Message { kind: body.repeat(2), ..keyed("a", body) });
    let answers = worker.store.deliver(batch.to_vec()).await.expect("deliver").value;
    for (answer, seq) in answers.iter().zip(1..) {
        assert!(
            matches!(answer, Delivered::Stored { seq: Seq(place) } if *place == seq),
            "{seq}: {answer:?}"
        );
    }
    let loaded = worker.load("a").await;
    for (received, sent) in loaded.inbox.iter().zip(&batch) {
        assert_eq!((&received.key, &received.kind, &received.body), (&sent.key, &sent.kind, &sent.body));
        assert!(received.at >= before && received.at <= worker.now().await, "stamped by the store's clock");
    }
    let consume = Commit { consume: vec![Seq(2), Seq(4)], ..rest(&lease, &loaded, None) };
    worker.commit_done(consume).await;
    assert_eq!(bodies(&worker.load("a").await), ["1", "3"]);
    assert_eq!(worker.send(message("a", "5")).await, Seq(5), "places are not used again");
    let (_, record_again) = worker.claim("a").await;
    assert_eq!(bodies(&record_again), ["1", "3", "5"]);
    assert_eq!(record.inbox, []);
}

/// A sender that lost an answer sends again, and the run gets one message: while it waits and a while after.
pub(super) async fn a_key_is_taken_once(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("a")).await;
    let batch = vec![keyed("a", "k"), keyed("a", "k"), keyed("a", "other")];
    let answers = worker.store.deliver(batch).await.expect("deliver").value;
    assert!(
        matches!(
            answers[..],
            [Delivered::Stored { .. }, Delivered::Duplicate, Delivered::Stored { seq: Seq(2) }]
        ),
        "{answers:?}"
    );
    let is_duplicate = async || matches!(worker.deliver(keyed("a", "k")).await, Delivered::Duplicate);
    assert!(is_duplicate().await, "while it waits");
    let loaded = worker.load("a").await;
    let (revision, more, _) =
        worker.commit_done(Commit { consume: vec![Seq(1)], ..go(&lease, &loaded) }).await;
    assert!(!more, "duplicates are no messages");
    assert!(is_duplicate().await, "after its consumption");
    worker.start(run("b")).await;
    worker.send(keyed("b", "k")).await;
    bed.pass(bed.limits().key_memory).await;
    worker.commit_done(go(&after(&lease, revision), &record)).await;
    assert!(!is_duplicate().await, "after its time the key is forgotten");
}

/// Two signals alike are two signals.
pub(super) async fn messages_without_a_key_are_never_duplicates(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    worker.start(run("a")).await;
    worker.send(message("a", "same")).await;
    worker.send(message("a", "same")).await;
    assert_eq!(bodies(&worker.claim("a").await.1), ["same", "same"]);
}

/// By number and by bytes; room is made by consumption only.
pub(super) async fn a_full_inbox_refuses(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let quarter = usize::try_from(bed.limits().inbox_bytes / 4).expect("fits in memory");
    let big = Message { body: Bytes::from(vec![0; quarter]), ..message("a", "") };
    let (lease, _) = worker.start_held(run("a")).await;
    for _ in 0..4 {
        worker.send(big.clone()).await;
    }
    let small = keyed("a", "small");
    assert!(matches!(worker.deliver(small.clone()).await, Delivered::Full), "no byte more");
    let record = worker.load("a").await;
    assert_eq!(record.row.inbox_last, Seq(4), "what was refused has no place");
    worker.commit_done(Commit { consume: vec![Seq(1)], ..go(&lease, &record) }).await;
    assert_eq!(worker.send(small).await, Seq(5), "a refused key is not taken");
}

/// A sender is told when nobody will read it.
pub(super) async fn what_cannot_be_delivered_is_told(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let (lease, record) = worker.start_held(run("ended")).await;
    worker.commit_done(end(&lease, &record)).await;
    worker.start(run("a")).await;
    let uid = record.row.uid;
    let stranger = Message { uid: Some(uid), ..message("a", "for another life") };
    let known = Message { uid: Some(worker.load("a").await.row.uid), ..message("a", "for this life") };
    assert_ne!(uid, Uid::random());
    let batch = vec![message("ended", "late"), message("nobody", "lost"), stranger, known];
    let answers = worker.store.deliver(batch).await.expect("deliver").value;
    let expected = matches!(
        answers[..],
        [Delivered::Finished, Delivered::NoRun, Delivered::NoRun, Delivered::Stored { seq: Seq(1) }]
    );
    assert!(expected, "{answers:?}");
    assert_eq!(bodies(&worker.load("a").await), ["for this life"]);
}

/// All of them, in order, and not one more than the bound.
pub(super) async fn ten_thousand_messages_are_kept(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let bound = bed.limits().inbox_messages;
    assert!(bound >= 10_000, "the bed must not lower this limit");
    worker.start(run("a")).await;
    let all: Vec<_> = (1..=bound).map(|number| keyed("a", &number.to_string())).collect();
    for batch in all.chunks(1000) {
        worker.store.deliver(batch.to_vec()).await.expect("deliver");
    }
    assert!(matches!(worker.deliver(message("a", "one more")).await, Delivered::Full));
    let (lease, record) = worker.claim("a").await;
    let expected: Vec<_> = (1..=bound).map(|number| number.to_string()).collect();
    assert_eq!(bodies(&record), expected);
    let consume = record.inbox.iter().map(|received| received.seq).collect();
    worker.commit_done(Commit { consume, ..rest(&lease, &record, None) }).await;
    worker.claims_nothing("all were consumed").await;
    assert_eq!(worker.load("a").await.inbox, []);
    assert!(matches!(worker.deliver(keyed("a", "77")).await, Delivered::Duplicate));
}

fn bodies(record: &Record) -> Vec<&str> {
    texts(record.inbox.iter().map(|received| &received.body))
}

/// Consumes what the record holds and rests; tells how much that was.
pub(super) async fn consume_all(worker: &Worker, lease: &Lease, record: &Record) -> usize {
    let consume: Vec<_> = record.inbox.iter().map(|received| received.seq).collect();
    let consumed = consume.len();
    worker.commit_done(Commit { consume, ..rest(lease, record, None) }).await;
    consumed
}
