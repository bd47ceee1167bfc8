//! What a run did, as its history tells it.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    core::Verb,
    engine::{Engine, ReadError, Run, patience::ask},
    machine::Machine,
    observer::AttemptOutcome,
    snapshot::{ParkReason, WaitingFor},
    store::{Depth, Entry, EntryId, InvalidRunId, Page, Revision, RunId, Status, sealed},
    time::Timestamp,
};

/// How many entries a page has unless it is told.
const PAGE: u32 = 100;

/// The most entries of a page.
const LONGEST: u32 = 1_000;

impl Engine {
    /// What a run did: each attempt of each call with its outcome, and what operators wanted of it, with who and why; a page
    /// of the newest entries.
    ///
    /// Nothing is ever read from it to go on. It is bounded: a store keeps the last 10,000 entries of a run
    /// ([`Limits::history_entries`](crate::store::Limits::history_entries)), and of what errors and operators say, an entry has the
    /// first 1,000 bytes.
    ///
    /// ```
    /// use refluxo::{engine::HistoryEvent, prelude::*};
    ///
    /// # async fn example(engine: Engine) -> Result<(), refluxo::engine::ReadError> {
    /// let newest = engine.history("order-42").limit(20).await?;
    /// for entry in &newest.entries {
    ///     match &entry.event {
    ///         HistoryEvent::Call(call) => {
    ///             println!("{} {:?}, attempt {}: {:?} {:?}", entry.at, call.call, call.attempt, call.outcome, call.error);
    ///         }
    ///         HistoryEvent::Order(order) => println!("{} {} by {:?}", entry.at, order.verb, order.by),
    ///         other => println!("{} {other:?}", entry.at),
    ///     }
    /// }
    /// let older = engine.history("order-42").before(newest.next).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn history(&self, id: impl AsRef<str>) -> History {
        let page = Page { before: None, limit: PAGE };
        History { engine: self.clone(), id: RunId::new(id.as_ref()), page }
    }
}

impl<W: Machine> Run<W> {
    /// What the run did: see [`Engine::history`].
    pub fn history(&self) -> History {
        self.engine().history(self.id())
    }
}

/// A page of a run's history that is to be read, by [`Engine::history`]; await it.
///
/// # Errors
///
/// If there is no such run, or the store fails.
///
/// # Cancel safety
///
/// It writes nothing.
#[derive(Debug)]
#[must_use = "a history is read by `.await`"]
pub struct History {
    engine: Engine,
    id: Result<RunId, InvalidRunId>,
    page: Page,
}

/// Some entries of a run's history.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryPage {
    /// The entries, the newest first.
    pub entries: Vec<HistoryEntry>,
    /// What older entries are [before](History::before), if there may be some.
    pub next: Option<EntryId>,
}

/// An entry of a run's history.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Its name: it grows from entry to entry, not always by one.
    pub id: EntryId,
    /// The run's revision after the commit that wrote it.
    pub revision: Revision,
    /// When that was, by the store's clock.
    pub at: Timestamp,
    /// What it tells.
    #[serde(flatten)]
    pub event: HistoryEvent,
}

/// What an entry of a run's history tells.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum HistoryEvent {
    /// What came of a call.
    Call(Box<CallEntry>),
    /// What an operator wanted, or the run that awaits this one.
    Order(OrderEntry),
    /// The run is a copy of another one.
    Forked(ForkEntry),
    /// What this version of the library can't read.
    Other(Box<RawValue>),
}

/// One attempt of a call, or one wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallEntry {
    /// The name of the state that the run was at.
    pub from: String,
    /// The branch that made the call, as in [`Call::branch`](crate::snapshot::Call::branch); empty outside of joins.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub branch: String,
    /// What was performed or waited for.
    pub call: WaitingFor,
    /// Which attempt this was, counted from 1.
    pub attempt: u32,
    /// The idempotency key of the call.
    pub key: String,
    /// When the step began; none for other calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When the step, or the wait, ended.
    pub ended: Timestamp,
    /// How the attempt of the step ended; none for other calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<AttemptOutcome>,
    /// What its error (by `Display`, or else `Debug`) or its panic said: the first 1,000 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the call took longer than its `.timeout(…)`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub elapsed: bool,
    /// Where that led.
    #[serde(flatten)]
    pub outcome: CallOutcome,
}

/// Where the outcome of a call led.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OutcomeWire", into = "OutcomeWire")]
#[non_exhaustive]
pub enum CallOutcome {
    /// The run, or its branch, went on to the state of this name.
    To(String),
    /// The branch ended.
    BranchEnded {
        /// Whether it gave an `Err`.
        failed: bool,
    },
    /// The function returned, and the run ended so.
    Ended(Status),
    /// The function returned an `Err`, and what the run did is undone.
    Undoes,
    /// The call is made again at this time.
    Again(Timestamp),
    /// It was a call that undoes something, and is done.
    Undone,
    /// The run was parked.
    Parked(ParkReason),
    /// Nobody waited for it any more: it may have been done or not.
    Unknown,
}

/// The JSON of a [`CallOutcome`], as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum OutcomeWire {
    To(String),
    BranchEnd { failed: bool },
    End(Status),
    Undoes(Status),
    Again(Timestamp),
    Undone(bool),
    Parked(ParkReason),
    Unknown(bool),
}

/// What an operator wanted of a run, or the run that awaits it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderEntry {
    /// The name of the state that the run was at.
    pub from: String,
    /// What was wanted.
    pub verb: Verb,
    /// By whom, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for.
    pub asked: Timestamp,
    /// Whether that changed anything.
    pub heeded: bool,
}

/// What a copy tells of the run that was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForkEntry {
    /// The id of that run.
    pub forked_from: RunId,
    /// The revision at which it was.
    pub at_revision: Revision,
    /// Who wanted the copy, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The JSON of an entry. Which one it is follows from its fields.
#[derive(Deserialize)]
#[serde(untagged)]
enum EventWire {
    Call(Box<CallEntry>),
    Order(OrderEntry),
    Forked(ForkEntry),
}

impl History {
    /// Shows so many entries at most: 100 unless set; of 0 and of more than 1,000, the next number that will do.
    pub fn limit(mut self, entries: u32) -> Self {
        self.page.limit = entries.clamp(1, LONGEST);
        self
    }

    /// Shows only what is older than this entry: the [`HistoryPage::next`] of the page before. With `None`, the newest.
    pub fn before(mut self, entry: impl Into<Option<EntryId>>) -> Self {
        self.page.before = entry.into();
        self
    }

    async fn read(self) -> Result<HistoryPage, ReadError> {
        let Self { engine, id, page } = self;
        let id = id?;
        let shared = engine.shared();
        let entries = ask(&shared.time, || shared.store.history(&id, page)).await;
        let entries = entries.map_err(|cause| ReadError::Store { id: id.clone(), cause })?;
        if entries.is_empty() {
            // A run that is there may have done nothing yet.
            engine.load(&id, Depth::Head).await?;
        }
        let last = entries.last().filter(|_| entries.len() == page.limit as usize);
        let next = last.map(|entry| entry.id);
        Ok(HistoryPage { entries: entries.into_iter().map(HistoryEntry::of).collect(), next })
    }
}

impl IntoFuture for History {
    type Output = Result<HistoryPage, ReadError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}

impl HistoryEntry {
    /// The entry that a store keeps.
    fn of(entry: Entry) -> Self {
        let Entry { id, revision, at, body } = entry;
        let event = match serde_json::from_slice(&body) {
            Ok(EventWire::Call(call)) => HistoryEvent::Call(call),
            Ok(EventWire::Order(order)) => HistoryEvent::Order(order),
            Ok(EventWire::Forked(fork)) => HistoryEvent::Forked(fork),
            Err(_) => HistoryEvent::Other(raw(&body)),
        };
        Self { id, revision, at, event }
    }
}

/// The JSON that an entry is; what is none, as a text. Of one that its codec could not decode, what kept it from that.
fn raw(body: &[u8]) -> Box<RawValue> {
    if let Err(error) = sealed::check(body) {
        return serde_json::value::to_raw_value(&error.to_string())
            .unwrap_or_else(|_| RawValue::NULL.to_owned());
    }
    serde_json::from_slice(body)
        .or_else(|_| serde_json::value::to_raw_value(&String::from_utf8_lossy(body)))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}

impl From<OutcomeWire> for CallOutcome {
    fn from(wire: OutcomeWire) -> Self {
        match wire {
            OutcomeWire::To(state) => Self::To(state),
            OutcomeWire::BranchEnd { failed } => Self::BranchEnded { failed },
            OutcomeWire::End(status) => Self::Ended(status),
            OutcomeWire::Undoes(_) => Self::Undoes,
            OutcomeWire::Again(due) => Self::Again(due),
            OutcomeWire::Undone(_) => Self::Undone,
            OutcomeWire::Parked(reason) => Self::Parked(reason),
            OutcomeWire::Unknown(_) => Self::Unknown,
        }
    }
}

impl From<CallOutcome> for OutcomeWire {
    fn from(outcome: CallOutcome) -> Self {
        match outcome {
            CallOutcome::To(state) => Self::To(state),
            CallOutcome::BranchEnded { failed } => Self::BranchEnd { failed },
            CallOutcome::Ended(status) => Self::End(status),
            CallOutcome::Undoes => Self::Undoes(Status::Failed),
            CallOutcome::Again(due) => Self::Again(due),
            CallOutcome::Undone => Self::Undone(true),
            CallOutcome::Parked(reason) => Self::Parked(reason),
            CallOutcome::Unknown => Self::Unknown(true),
        }
    }
}
