//! The workflow of a schedule's run: it does what the [`Book`] says.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use super::{
    book::{Book, Deed, Next, Seen, Stop},
    word::Word,
};
use crate::{
    core::{Verb, VerbLetter, signal_kind},
    engine::Patience,
    prelude::*,
    store::{Delivered, Depth, Message, Received, Stamped, Store, StoreError},
    suspend::{Begin, Launch, Pending, Suspend, Target},
};

/// What the steps of a schedule need of the engine.
pub(crate) struct Desk {
    store: Arc<dyn Store>,
}

impl Desk {
    /// Steps that ask this store.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Asks the store until it answers.
    async fn ask<T, F>(&self, mut operation: impl FnMut() -> F) -> Stamped<T>
    where
        F: Future<Output = Result<Stamped<T>, StoreError>>,
    {
        let mut patience = Patience::of_a_run();
        loop {
            match operation().await {
                Ok(answer) => return answer,
                Err(error) => tracing::warn!(%error, "a schedule could not ask its store; it is tried again"),
            }
            patience.pause().await;
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("store", &self.store).finish()
    }
}

/// Keeps a schedule: the workflow of its run, from its first tick until it is deleted.
///
/// A tick's run is started by the commit that notes the tick as done, so by one worker, once.
#[workflow(name = "refluxo.schedule", enum = Keeper)]
pub(crate) async fn keep(mut target: Target, mut book: Book) {
    loop {
        match book.next() {
            Deed::Look(at_work) => {
                let seen = look(at_work).await;
                book.see(seen);
            }
            Deed::Start(next) => {
                launch(&book, next, target.clone()).await;
            }
            Deed::Stop(run, how) => stop(run, how).await,
            Deed::Listen(None) => {
                let word = signal::<Word>().await;
                target = book.heed(word).unwrap_or(target);
            }
            Deed::Listen(Some(until)) => select! {
                word = signal::<Word>() => target = book.heed(word).unwrap_or(target),
                () = sleep_until(until) => book.wake(),
            },
            Deed::End => return,
        }
    }
}

/// The call that starts a run.
#[expect(non_camel_case_types, reason = "a call's type and its constructor share one name")]
type launch = Launch;

/// Starts a run.
fn launch(book: &Book, next: Next, target: Target) -> Launch {
    book.launch(next, target)
}

impl Suspend for Launch {
    type Output = RunId;

    fn pending(&self) -> Pending<'_> {
        Pending::Launch(self)
    }

    fn begin(self) -> Begin {
        Begin::Spawn
    }
}

/// Looks at the store's clock, at the words in the schedule's inbox, and whether the run at work has ended. Changes nothing.
#[step(name = "refluxo.schedule.look")]
async fn look(#[inject] desk: &Desk, #[inject] cx: &StepContext, at_work: Option<RunId>) -> Seen {
    let at_work = match &at_work {
        Some(run) => {
            let other = desk.ask(|| desk.store.load(run, Depth::Head)).await.value;
            other.is_some_and(|record| !record.row.head.status.is_ended())
        }
        None => false,
    };
    let Ok(own) = RunId::new(cx.run_id()) else { unreachable!("the run has this id") };
    let Stamped { now, value } = desk.ask(|| desk.store.load(&own, Depth::Mail)).await;
    let kind = signal_kind(Word::SIGNAL);
    let is_word = |message: &&Received| message.kind == kind;
    let words = value.map_or(0, |record| record.inbox.iter().filter(is_word).count());
    Seen { now, words, at_work }
}

/// Has a run end. It may have ended since.
#[step(name = "refluxo.schedule.stop")]
async fn stop(#[inject] desk: &Desk, #[inject] cx: &StepContext, run: RunId, how: Stop) {
    let verb = match how {
        Stop::Cancel => Verb::Cancel,
        Stop::Abort => Verb::Abort,
    };
    let letter = VerbLetter {
        by: Some(cx.run_id().to_owned()),
        reason: Some("the schedule's next run takes its place".to_owned()),
    };
    let message = Message {
        to: run,
        uid: None,
        key: Some(format!("order:{}", cx.idempotency_key())),
        kind: verb.kind().to_owned(),
        body: serde_json::to_vec(&letter).map(Bytes::from).unwrap_or_default(),
    };
    let mut patience = Patience::of_a_run();
    loop {
        match desk.ask(|| desk.store.deliver(vec![message.clone()])).await.value.pop() {
            Some(Delivered::Full | Delivered::Rejected(_)) => {}
            Some(
                Delivered::Stored { .. } | Delivered::Duplicate | Delivered::Finished | Delivered::NoRun,
            )
            | None => return,
        }
        patience.pause().await;
    }
}
