//! What must hold of a store and of its runs after each operation, whatever happened.
//!
//! The oracle stands between the workers' lines and the store. It looks at the runs themselves before and after each operation, so
//! it sees also what was done though nobody heard of it, and it knows what each answer must be.

mod answers;
mod commits;
mod known;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures_util::FutureExt;
use tokio::sync::Notify;

use self::known::{Known, Looked};
use super::events::{Detail, Events, Who};
use crate::{
    snapshot::{Call, Snapshot},
    store::{
        Depth, Due, MemoryStore, Page, RunId, Seq, SessionId, SessionWatch, Stamped, Status, Store,
        StoreError,
    },
    suspend::StepContext,
    time::{Clock, Timestamp},
};

/// Watches the runs of a simulation.
pub(super) struct Oracle {
    memory: MemoryStore,
    clock: Arc<dyn Clock>,
    pub(super) events: Events,
    book: Mutex<Book>,
    broken: Notify,
}

/// What the oracle knows.
#[derive(Default)]
struct Book {
    runs: BTreeMap<RunId, Known>,
    /// Whose calls the keys are.
    keys: BTreeMap<String, RunId>,
    /// The keys under which messages were delivered, whatever is stored of them.
    sent: BTreeSet<(RunId, String)>,
    sessions: BTreeMap<SessionId, SessionWatch>,
    /// The latest time that the clock has shown: it may be set back.
    latest: Option<Timestamp>,
    /// How many operations there were.
    operations: u64,
    /// What does not hold.
    violation: Option<String>,
}

/// What does not hold.
type Violated = String;

/// The answers to a batch.
type Answers<T> = Result<Stamped<Vec<T>>, StoreError>;

/// Where a run stands, in words.
pub(super) fn words_of(run: &Snapshot) -> String {
    let waits_for = |call: &Call| {
        let waits = serde_json::to_string(&call.waiting_for).unwrap_or_default();
        format!("`{}` {waits}, attempt {}", call.branch, call.attempt)
    };
    let calls: Vec<String> = run.calls.iter().map(waits_for).collect();
    format!("`{}` is {} at `{}`: {}", run.id, run.status, run.at, calls.join(", "))
}

impl Oracle {
    pub(super) fn new(memory: MemoryStore, clock: Arc<dyn Clock>, events: Events) -> Self {
        Self { memory, clock, events, book: Mutex::default(), broken: Notify::new() }
    }

    /// Waits until something does not hold any more.
    pub(super) async fn violated(&self) {
        while self.violation().is_none() {
            self.broken.notified().await;
        }
    }

    /// What does not hold.
    pub(super) fn violation(&self) -> Option<Violated> {
        self.book().violation.clone()
    }

    /// How many operations the store has done.
    pub(super) fn operations(&self) -> u64 {
        self.book().operations
    }

    /// How the runs stand that have not ended.
    pub(super) fn living(&self) -> Vec<(RunId, Status)> {
        let book = self.book();
        let living = book.runs.iter().filter(|(_, run)| !run.status.is_ended());
        living.map(|(id, run)| (id.clone(), run.status)).collect()
    }

    /// All runs.
    pub(super) fn snapshots(&self) -> BTreeMap<String, Snapshot> {
        let ids: Vec<RunId> = self.book().runs.keys().cloned().collect();
        let read = |id: &RunId| {
            let record = self.look(id)?.record;
            let snapshot = Snapshot::of_record(record, self.clock.now()).ok()?;
            Some((id.as_str().to_owned(), snapshot))
        };
        ids.iter().filter_map(read).collect()
    }

    /// Whether all is as it must be when nothing moves any more; the error says what is not.
    pub(super) fn is_at_rest(&self) -> Result<(), Violated> {
        let ids: Vec<RunId> = self.book().runs.keys().cloned().collect();
        for id in ids {
            let record = self.look(&id).ok_or_else(|| format!("the run `{id}` is gone"))?.record;
            let (status, owed) = (record.row.head.status, record.owed.len());
            if !status.is_ended() {
                return Err(format!("the run `{id}` is {status} and does not end"));
            }
            if owed > 0 {
                return Err(format!("the run `{id}` has ended and owes {owed} effects"));
            }
            if record.row.due != Due::Never {
                return Err(format!("the run `{id}` has ended and is still {:?}", record.row.due));
            }
        }
        Ok(())
    }

    /// Checks that a step that begins is what is stored: its run is at this call and this attempt, so it is neither too early
    /// nor done already.
    pub(super) fn begins(&self, who: Who, context: &StepContext) {
        let (id, step, attempt) = (context.run_id(), context.step(), context.attempt());
        let run = RunId::new(id).ok();
        self.events.tell(who, "begins", run.as_ref(), Detail::Step(step, attempt));
        let is_among = |calls: &[(String, u32)]| {
            calls.iter().any(|(key, number)| *key == context.idempotency_key() && *number == attempt)
        };
        // A step that has its turn while a commit of its own worker is on the way that ends it: it is dropped with the answer.
        let is_ending = |run: &Known| run.author == Some(who) && is_among(&run.calls_before);
        let is_at = |run: &Known| is_among(&run.calls) || is_ending(run);
        if !run.and_then(|run| self.book().runs.get(&run).map(is_at)).unwrap_or(false) {
            let stored = self.snapshots().remove(id).map(|run| words_of(&run)).unwrap_or_default();
            self.violate(format!(
                "the step `{step}`, attempt {attempt}, begins, and is not what is stored: it begins too early, or once more after \
                 its outcome was stored; {stored}"
            ));
        }
    }

    /// Notes what does not hold; the first counts.
    pub(super) fn violate(&self, violated: Violated) {
        let mut book = self.book();
        if book.violation.is_none() {
            self.events.tell(Who::World, "fails:", None, Detail::Text(violated.clone().into()));
            book.violation = Some(violated);
            self.broken.notify_one();
        }
    }

    /// Notes that one check of an operation was not passed.
    fn expect(&self, checked: Result<(), Violated>) {
        if let Err(violated) = checked {
            self.violate(violated);
        }
    }

    /// A run as it is stored.
    fn look(&self, id: &RunId) -> Option<Looked> {
        let record = self.memory.load(id, Depth::All).now_or_never()?.ok()?.value?;
        let newest = self.memory.history(id, Page { before: None, limit: 1 }).now_or_never()?.ok()?.value;
        Some(Looked { record, newest: newest.first().map_or(0, |entry| entry.id.0) })
    }

    /// Takes note of how a run stands now. Only `consumed` may have left its inbox.
    fn note(&self, id: &RunId, consumed: &[Seq]) -> Result<(), Violated> {
        let Some(now) = self.look(id) else { return Ok(()) };
        let mut book = self.book();
        let shown = self.clock.now();
        let latest = book.latest.map_or(shown, |latest| latest.max(shown));
        book.latest = Some(latest);
        let Book { runs, keys, .. } = &mut *book;
        let known = runs.entry(id.clone()).or_insert_with(|| Known::of(&now.record));
        known.follow(id, &now, consumed, shown, latest)?;
        for (key, _) in &known.calls {
            let owner = keys.entry(key.clone()).or_insert_with(|| id.clone());
            if owner != id {
                return Err(format!("the runs `{id}` and `{owner}` have a call of the same key {key}"));
            }
        }
        Ok(())
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
