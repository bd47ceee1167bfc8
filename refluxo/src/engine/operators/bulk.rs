//! Many runs are told something.

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{BulkError, QueryError, RunQuery, query::rows};
use crate::{
    core::{Verb, VerbLetter},
    engine::{VerbError, patience::ask, shared::Shared, signed::signed},
    snapshot::Hot,
    store::{Delivered, ListCursor, ListedRow, Message, Row, Status, StoreError, Uid},
};

/// How many runs are told with one request of the store.
const BATCH: u32 = 500;

/// How many refusals are kept as they are.
const REFUSALS: usize = 100;

/// What many runs are to do, by a verb of [`RunQuery`]; await it to tell them.
///
/// The runs are told from the newest to the oldest, in batches. One that is there all the while is told once, whatever the
/// others do meanwhile, and though what it is told makes it leave those that were asked for. Those that are started
/// later are not told. It is durable when that returns, and heeded by whoever works on the runs.
///
/// # Errors
///
/// If the parent's id is not one, or the store fails: then the error says how far it came.
///
/// # Cancel safety
///
/// Some of the runs may be told and others not. To tell them once more does no harm.
#[derive(Debug)]
#[must_use = "an order is sent by `.await`"]
pub struct BulkOrder {
    query: RunQuery,
    verb: Verb,
    letter: VerbLetter,
    after: Option<ListCursor>,
}

/// What became of an order to many runs.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Bulk {
    /// How many were told.
    pub told: u64,
    /// How many were left alone, since it would change nothing: they have ended, or are not parked where they were to be retried,
    /// and so on.
    pub skipped: u64,
    /// How many could not be told.
    pub failed: u64,
    /// Why not, for the first hundred of them.
    pub errors: Vec<VerbError>,
}

impl BulkOrder {
    pub(super) fn new(query: RunQuery, verb: Verb) -> Self {
        Self { query, verb, letter: VerbLetter::default(), after: None }
    }

    signed!("the runs' histories");

    /// Begins behind this place: the `next` of a [`BulkError::Store`].
    pub fn after(self, place: impl Into<Option<ListCursor>>) -> Self {
        Self { after: place.into(), ..self }
    }

    async fn send(self) -> Result<Bulk, BulkError> {
        let Self { query, verb, letter, mut after } = self;
        let shared = query.shared();
        let mut done = Bulk::default();
        let failed = |done, next, cause| BulkError::Store { verb: verb.name(), done, next, cause };
        let filter = match query.filter().await {
            Ok(filter) => filter,
            Err(QueryError::InvalidId(error)) => return Err(error.into()),
            Err(QueryError::Store { cause }) => return Err(failed(done, after, cause)),
        };
        let call = Call::new(verb, &letter);
        loop {
            let (rows, next) = match rows(shared, &filter, after.as_ref(), BATCH).await {
                Ok(found) => found,
                Err(cause) => return Err(failed(done, after, cause)),
            };
            if let Err(cause) = call.tell(shared, rows, &mut done).await {
                return Err(failed(done, after, cause));
            }
            match next {
                Some(_) => after = next,
                None => break,
            }
        }
        let VerbLetter { by, reason } = letter;
        tracing::info!(verb = verb.name(), by, reason, %done, "runs were told in bulk");
        Ok(done)
    }
}

/// What all of the runs are told.
struct Call {
    verb: Verb,
    /// The same for all: keys are each run's own, and it lets a batch be sent again when an answer is lost.
    key: String,
    body: Bytes,
}

impl Call {
    fn new(verb: Verb, letter: &VerbLetter) -> Self {
        Self { verb, key: format!("order:{}", Uid::random()), body: letter.body() }
    }

    /// Tells those that would heed it.
    async fn tell(&self, shared: &Shared, rows: Vec<ListedRow>, done: &mut Bulk) -> Result<(), StoreError> {
        let all = rows.len() as u64;
        let heeding = rows.iter().map(|listed| &listed.row).filter(|row| would_heed(row, self.verb));
        let messages: Vec<Message> = heeding.map(|row| self.message(row)).collect();
        done.skipped += all - messages.len() as u64;
        if messages.is_empty() {
            return Ok(());
        }
        let answers = ask(&shared.time, || shared.store.deliver(messages.clone())).await?;
        for (message, answer) in messages.into_iter().zip(answers) {
            done.note(message, self.verb.name(), answer);
        }
        Ok(())
    }

    fn message(&self, row: &Row) -> Message {
        Message {
            to: row.id.clone(),
            uid: Some(row.uid),
            key: Some(self.key.clone()),
            kind: self.verb.kind().to_owned(),
            body: self.body.clone(),
        }
    }
}

/// Whether it would change anything for a run that stands so. What waits in its inbox may change how it stands.
fn would_heed(row: &Row, verb: Verb) -> bool {
    let status = row.head.status;
    if status.is_ended() {
        return false;
    }
    let has_mail = row.inbox_last > row.inbox_read;
    // A head that can't be read is for a retry to mend.
    let is_paused = || Hot::read(&row.head.body).is_ok_and(|hot| hot.paused);
    match verb {
        Verb::Abort => true,
        Verb::Cancel => has_mail || status != Status::Cancelling,
        Verb::Pause => has_mail || !is_paused(),
        Verb::Resume => has_mail || is_paused(),
        Verb::Retry => status == Status::Parked,
    }
}

impl Bulk {
    /// Notes what a run answered.
    fn note(&mut self, message: Message, verb: &'static str, answer: Delivered) {
        let id = message.to;
        let error = match answer {
            Delivered::Stored { .. } | Delivered::Duplicate => {
                self.told += 1;
                return;
            }
            // It has ended since, or is gone.
            Delivered::Finished | Delivered::NoRun => {
                self.skipped += 1;
                return;
            }
            Delivered::Full => VerbError::Full { id, verb },
            Delivered::Rejected(cause) => VerbError::Store { id, verb, cause },
        };
        self.failed += 1;
        if self.errors.len() < REFUSALS {
            self.errors.push(error);
        }
    }
}

impl fmt::Display for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} told, {} skipped, {} failed", self.told, self.skipped, self.failed)
    }
}

impl IntoFuture for BulkOrder {
    type Output = Result<Bulk, BulkError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
