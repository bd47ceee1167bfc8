//! Commits that are sent until it is known what became of them, and effects that a store left to the holder.

use std::sync::Arc;

use super::{patience::Patience, shared::Shared};
use crate::store::{
    Commit, Committed, Created, Effect, EffectId, Message, NewRun, Operation, Owed, Revision, RunId,
    StoreError,
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
    /// The store will never take it; nothing of it is stored.
    Refused(StoreError),
}

/// Sends a commit until the store has answered it.
///
/// An unknown outcome is resolved by the same commit again: the token and the next revision tell that it had landed.
pub(crate) async fn persist(shared: &Shared, commit: Commit) -> Persisted {
    let run = commit.lease.run.clone();
    let mut patience = Patience::of_a_run();
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
        patience.pause().await;
    }
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
