//! Commits that are sent until it is known what became of them, and effects that a store left to the holder.

use std::sync::Arc;

use super::{patience::Patience, shared::Shared, sure::Asked};
use crate::store::{
    Commit, Committed, Created, Depth, Effect, EffectId, Message, NewRun, OpenTransaction, Operation, Owed,
    Renewed, Revision, RunId, StoreError,
};

/// What became of a commit.
pub(crate) enum Persisted {
    /// It is stored.
    Done {
        revision: Revision,
        /// Whether messages came that its author had not seen.
        more: bool,
        owed: Vec<Owed>,
    },
    /// The run is in other hands.
    Lost,
    /// Nothing of it is stored, nor of what the step had written in its transaction.
    RolledBack,
    /// The store will never take it; nothing of it is stored.
    Refused(StoreError),
}

/// Sends a commit until the store has answered it.
///
/// An unknown outcome is resolved by the same commit again: the token and the next revision tell that it had landed.
pub(crate) async fn persist(shared: &Shared, commit: Commit) -> Persisted {
    let run = commit.lease.run.clone();
    // Hardly ever needed.
    let mut patience = None;
    loop {
        let answer = shared.store.commit(vec![commit.clone()]).await;
        let error = match answer.map(|answer| first(shared.time.note(answer))) {
            Ok(Some(Committed::Done { revision, more, owed })) => {
                return Persisted::Done { revision, more, owed };
            }
            Ok(Some(Committed::Lost)) => return Persisted::Lost,
            Ok(Some(Committed::Rejected(error @ StoreError::Fatal(_)))) => return Persisted::Refused(error),
            Ok(Some(Committed::Rejected(error))) | Err(error) => error,
            Ok(None) => continue,
        };
        tracing::warn!(%run, %error, "a commit was not stored, or that is not known; it is sent again");
        shared.tell_failed(Operation::Commit, error);
        patience.get_or_insert_with(Patience::of_a_run).pause().await;
    }
}

/// Stores a commit in the transaction in which its step has written. As long as it may apply, it is sent once: sent again it would
/// be without that.
pub(crate) async fn persist_in(
    shared: &Shared,
    transaction: Box<dyn OpenTransaction>,
    commit: Commit,
) -> Persisted {
    let run = commit.lease.run.clone();
    match transaction.commit(commit.clone()).await.map(|answer| shared.time.note(answer)) {
        Ok(Committed::Done { revision, more, owed }) => Persisted::Done { revision, more, owed },
        Ok(Committed::Lost) => Persisted::Lost,
        Ok(Committed::Rejected(error @ StoreError::Fatal(_))) | Err(error @ StoreError::Fatal(_)) => {
            Persisted::Refused(error)
        }
        Ok(Committed::Rejected(error)) | Err(error @ StoreError::Retry(_)) => {
            tracing::warn!(%run, %error, "a transaction was rolled back; its step runs again");
            shared.tell_failed(Operation::Commit, error);
            Persisted::RolledBack
        }
        Err(error @ StoreError::Unknown(_)) => {
            tracing::warn!(%run, %error, "it is not known whether a transaction was stored; the run tells");
            shared.tell_failed(Operation::Commit, error);
            what_became_of(shared, commit).await
        }
    }
}

/// What became of a commit in a transaction whose answer was lost.
async fn what_became_of(shared: &Shared, commit: Commit) -> Persisted {
    let mut patience = Patience::of_a_run();
    loop {
        match look(shared, &commit).await {
            Ok(Seen::Here(persisted)) => return persisted,
            // Now it can't apply any more, so it is told whether it has.
            Ok(Seen::Away) => return persist(shared, commit).await,
            // Another worker may have taken the run over between the two questions.
            Ok(Seen::Unsure) => {}
            Err(error) => {
                tracing::warn!(run = %commit.lease.run, %error, "the run was not read; it is tried again");
            }
        }
        patience.pause().await;
    }
}

/// What a look at a run tells of a commit to it.
enum Seen {
    /// The run is in this worker's hands, and this became of the commit.
    Here(Persisted),
    /// It is not, be it that the commit itself gave it back: under that lease nothing is stored any more.
    Away,
    /// The store took too long to answer.
    Unsure,
}

/// Looks at a run that a commit was sent to.
///
/// The lease comes first: it is renewed after the end of the transaction, should that be under way still. Only this worker has moved a
/// run on that it holds without a break.
async fn look(shared: &Shared, commit: &Commit) -> Result<Seen, StoreError> {
    let lease = &commit.lease;
    let asked = Asked::now(shared);
    let renewed = shared.store.renew(vec![lease.clone()], shared.settings.lease).await?;
    let renewed = shared.time.note(renewed);
    if !matches!(renewed[..], [Renewed::Kept { .. }]) {
        return Ok(Seen::Away);
    }
    let record = shared.time.note(shared.store.load(&lease.run, Depth::All).await?);
    if !asked.is_sure(shared) {
        return Ok(Seen::Unsure);
    }
    Ok(Seen::Here(match record {
        Some(record) if record.row.revision == lease.revision => Persisted::RolledBack,
        Some(record) if record.row.revision == lease.revision.next() => {
            let more = record.row.inbox_last > commit.seen;
            Persisted::Done { revision: record.row.revision, more, owed: record.owed }
        }
        Some(_) | None => Persisted::Lost,
    }))
}

/// What became of effects that a store left to the holder of the run.
#[derive(Default)]
pub(crate) struct Settled {
    /// Those that were carried out.
    pub(crate) done: Vec<EffectId>,
    /// The child that could not be started, since its id belongs to another run.
    pub(crate) taken: Option<RunId>,
}

/// Carries out owed effects. Each is idempotent, so one that was carried out by a holder who died since is so again.
pub(crate) async fn settle(shared: &Arc<Shared>, owed: Vec<Owed>) -> Settled {
    let mut settled = Settled::default();
    for Owed { id, effect } in owed {
        match effect {
            Effect::Start(child) => {
                let started = start(shared, &child).await;
                match (started, &child.parent) {
                    (true, _) => {}
                    (false, Some(_)) => settled.taken = Some(child.id),
                    // Nobody waits for it, and whoever chose its id has what it asked for: a run of that id.
                    (false, None) => {
                        tracing::warn!(run = %child.id, "a run of this id is there already; none is started");
                    }
                }
            }
            Effect::Deliver(message) => deliver(shared, &message).await,
        }
        settled.done.push(id);
    }
    settled
}

/// Starts a child; `false` if its id belongs to another run.
async fn start(shared: &Shared, child: &NewRun) -> bool {
    let mut patience = Patience::of_a_run();
    loop {
        let error = match shared.store.create(vec![child.clone()]).await.map(|answer| first(answer.value)) {
            Ok(Some(Created::New { .. })) => return true,
            Ok(Some(Created::Exists { uid, .. })) => return uid == child.uid,
            Ok(Some(Created::Rejected(error))) | Err(error) => error,
            Ok(None) => continue,
        };
        tracing::warn!(run = %child.id, %error, "a child run was not started; it is tried again");
        shared.tell_failed(Operation::Create, error);
        patience.pause().await;
    }
}

/// Delivers a message; one to a run that is over or gone falls away.
async fn deliver(shared: &Shared, message: &Message) {
    use crate::store::Delivered;

    let mut patience = Patience::of_a_run();
    loop {
        let error = match shared.store.deliver(vec![message.clone()]).await.map(|answer| first(answer.value))
        {
            Ok(Some(
                Delivered::Stored { .. } | Delivered::Duplicate | Delivered::Finished | Delivered::NoRun,
            )) => return,
            Ok(Some(Delivered::Full)) => {
                tracing::warn!(run = %message.to, "the inbox is full; a message to it is delivered later");
                patience.pause().await;
                continue;
            }
            Ok(Some(Delivered::Rejected(error))) | Err(error) => error,
            Ok(None) => continue,
        };
        tracing::warn!(run = %message.to, %error, "a message was not delivered; it is tried again");
        shared.tell_failed(Operation::Deliver, error);
        patience.pause().await;
    }
}

/// The answer to a batch of one.
fn first<T>(answers: Vec<T>) -> Option<T> {
    answers.into_iter().next()
}
