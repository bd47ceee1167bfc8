//! What an operator can have a run do: messages like any others, which the run's holder heeds before anything else.

use futures_util::future::BoxFuture;

use super::{Engine, VerbError, patience::ask, shared::Shared, signed::signed};
use crate::{
    core::{Verb, VerbLetter},
    snapshot::Hot,
    store::{Delivered, Depth, InvalidRunId, Message, Record, RunId, Status},
};

impl Engine {
    /// Cancels a run: it ends, and what it did is undone.
    ///
    /// Steps that are in flight are [told](crate::suspend::StepContext::cancelled) and have a
    /// [grace](super::EngineBuilder::cancel_grace) to end; what they did counts, and so does what `compensate!` pushed
    /// meanwhile. Children that the run awaits are cancelled and waited for. Then the calls on the undo stack are made, the
    /// last first, and the run is [`Cancelled`](Status::Cancelled). If its function returns within the grace, that is how it
    /// ends. A run that is ending already stays as it is.
    pub fn cancel(&self, id: impl AsRef<str>) -> Order {
        Order::new(self, id.as_ref(), Verb::Cancel)
    }

    /// Aborts a run: like [`Engine::cancel`], but it waits neither for steps in flight, whose outcome stays unknown, nor for
    /// children, which are aborted too.
    ///
    /// A run that is parked because something can't be undone gives up the rest of its undo stack and ends.
    pub fn abort(&self, id: impl AsRef<str>) -> Order {
        Order::new(self, id.as_ref(), Verb::Abort)
    }

    /// Pauses a run: what is in flight ends and is stored, and nothing more is begun. Timers run on, and messages wait.
    ///
    /// Its children are not paused. A run that is paused stays so.
    pub fn pause(&self, id: impl AsRef<str>) -> Order {
        Order::new(self, id.as_ref(), Verb::Pause)
    }

    /// Lets a run go on that was [paused](Engine::pause).
    pub fn resume(&self, id: impl AsRef<str>) -> Order {
        Order::new(self, id.as_ref(), Verb::Resume)
    }

    /// Lets a run go on where it is parked, after what parked it was mended: the call is made again under its key.
    pub fn retry(&self, id: impl AsRef<str>) -> Order {
        Order::new(self, id.as_ref(), Verb::Retry)
    }
}

/// What an operator has a run do; await it to send it.
///
/// It is durable when that returns, and heeded by whoever works on the run, at once or when a worker comes.
///
/// # Cancel safety
///
/// It may be sent or not. To send it once more does no harm.
#[derive(Debug)]
#[must_use = "an order is sent by `.await`"]
pub struct Order {
    engine: Engine,
    id: Result<RunId, InvalidRunId>,
    verb: Verb,
    letter: VerbLetter,
}

impl Order {
    fn new(engine: &Engine, id: &str, verb: Verb) -> Self {
        Self { engine: engine.clone(), id: RunId::new(id), verb, letter: VerbLetter::default() }
    }

    signed!("the run's history");

    async fn send(self) -> Result<(), VerbError> {
        let Self { engine, id, verb, letter } = self;
        let id = id?;
        let shared = engine.shared();
        let store = |cause| VerbError::Store { id: id.clone(), verb: verb.name(), cause };
        let record = ask(&shared.time, || shared.store.load(&id, Depth::Mail)).await.map_err(store)?;
        let record = record.ok_or_else(|| VerbError::Unknown { id: id.clone(), verb: verb.name() })?;
        check(&record, verb)?;
        match deliver(shared, &id, verb, &letter).await.map_err(store)? {
            Delivered::Stored { .. } | Delivered::Duplicate => Ok(()),
            Delivered::Full => Err(VerbError::Full { id, verb: verb.name() }),
            // It has ended since.
            Delivered::Finished => Err(VerbError::Ended { id, verb: verb.name(), status: None }),
            Delivered::NoRun => Err(VerbError::Unknown { id, verb: verb.name() }),
            Delivered::Rejected(cause) => Err(VerbError::Store { id, verb: verb.name(), cause }),
        }
    }
}

impl IntoFuture for Order {
    type Output = Result<(), VerbError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Refuses what a run that stands so would not heed. It may stand otherwise when the message comes, which does no harm.
fn check(record: &Record, verb: Verb) -> Result<(), VerbError> {
    let (id, status) = (record.row.id.clone(), record.row.head.status);
    if status.is_ended() {
        return Err(VerbError::Ended { id, verb: verb.name(), status: Some(status) });
    }
    let is_told = |verb: Verb| record.inbox.iter().any(|message| message.kind == verb.kind());
    match verb {
        Verb::Cancel | Verb::Abort | Verb::Pause => Ok(()),
        Verb::Resume => {
            // A head that can't be read is for a retry to mend.
            let is_paused = Hot::read(&record.row.head.body).is_ok_and(|hot| hot.paused);
            if is_paused || is_told(Verb::Pause) { Ok(()) } else { Err(VerbError::NotPaused { id, status }) }
        }
        Verb::Retry if status == Status::Parked => Ok(()),
        Verb::Retry => Err(VerbError::NotParked { id, status }),
    }
}

/// Sends the message.
async fn deliver(
    shared: &Shared,
    id: &RunId,
    verb: Verb,
    letter: &VerbLetter,
) -> Result<Delivered, crate::store::StoreError> {
    let message = Message {
        to: id.clone(),
        uid: None,
        // A key of its own lets it be sent again when an answer is lost.
        key: Some(format!("order:{}", (shared.uids)())),
        kind: verb.kind().to_owned(),
        body: letter.body(),
    };
    let mut answers = ask(&shared.time, || shared.store.deliver(vec![message.clone()])).await?;
    Ok(answers.pop().unwrap_or(Delivered::NoRun))
}
