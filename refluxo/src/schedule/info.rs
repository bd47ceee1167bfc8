//! How a schedule stands, for those who ask.

use super::{
    Note, Schedule, ScheduleError,
    book::{Book, Ordered, Span, Started},
    handle::Name,
    standing::{Standing, standing},
};
use crate::{
    engine::{Shared, ask},
    snapshot::ParkReason,
    store::{Depth, RunId, Status},
    time::Timestamp,
};

/// How many of the ticks to come are told.
const TOLD: usize = 5;

/// How a schedule stands: see [`ScheduleHandle::describe`](super::ScheduleHandle::describe).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleInfo {
    /// Its name.
    pub name: String,
    /// When and how it starts runs.
    pub schedule: Schedule,
    /// The workflow whose runs it starts.
    pub workflow: String,
    /// Who paused it, and why.
    pub paused: Option<Note>,
    /// Why its own run can't go on: `engine.retry` its [run](super::ScheduleHandle::run_id) once that is mended.
    pub parked: Option<ParkReason>,
    /// The next five ticks; none in a pause.
    pub next: Vec<Timestamp>,
    /// The run that must have ended before another one is started. None with [`Overlap::Allow`](super::Overlap::Allow).
    pub at_work: Option<RunId>,
    /// The tick that waits for that run's end.
    pub waiting: Option<Timestamp>,
    /// The runs that were triggered and have not been started.
    pub triggered: Vec<RunId>,
    /// The spans of time whose ticks are being made up, from the first tick that is left.
    pub making_up: Vec<(Timestamp, Timestamp)>,
    /// The last ten runs, the latest first.
    pub recent: Vec<ScheduledRun>,
    /// The last ten orders, the latest first.
    pub orders: Vec<ScheduleEvent>,
    /// How many runs it has started.
    pub started: u64,
    /// How many ticks it left out, since an earlier run was at work.
    pub skipped: u64,
}

/// A run that a schedule started.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduledRun {
    /// Its id.
    pub run: RunId,
    /// The tick that it was started for; none if it was triggered.
    pub tick: Option<Timestamp>,
    /// When it was started.
    pub started: Timestamp,
    /// How it stands; none if it was purged.
    pub status: Option<Status>,
}

/// An order that a schedule was given.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ScheduleEvent {
    /// `update`, `pause`, `resume`, `trigger …`, `backfill …` or `delete`.
    pub what: String,
    /// By whom, why and when.
    pub note: Note,
}

impl ScheduleInfo {
    pub(super) async fn read(shared: &Shared, name: &Name) -> Result<Self, ScheduleError> {
        let unknown = || ScheduleError::Unknown { name: name.text.to_string() };
        let Standing { target, book, parked, now } = standing(shared, name).await?.ok_or_else(unknown)?;
        if book.deleted.is_some() {
            return Err(unknown());
        }
        let mut recent = Vec::new();
        for Started { run, tick, at } in book.recent.iter().rev().cloned() {
            let record = ask(&shared.time, || shared.store.load(&run, Depth::Head)).await;
            let record =
                record.map_err(|cause| ScheduleError::Store { name: name.text.to_string(), cause })?;
            let status = record.map(|record| record.row.head.status);
            recent.push(ScheduledRun { run, tick, started: at, status });
        }
        Ok(Self::of(book, target.workflow, parked, recent, now))
    }

    fn of(
        book: Book,
        workflow: String,
        parked: Option<ParkReason>,
        recent: Vec<ScheduledRun>,
        now: Timestamp,
    ) -> Self {
        let is_paused = book.paused.is_some();
        let plan = &book.schedule.plan;
        let left = |span: &Span| plan.next(span.after).map(|first| (first, span.to));
        let making_up = book.spans.iter().filter_map(left).collect();
        let event = |Ordered { what, note }| ScheduleEvent { what, note };
        Self {
            next: book.schedule.ticks(now).take(if is_paused { 0 } else { TOLD }).collect(),
            name: book.name,
            schedule: book.schedule,
            workflow,
            paused: book.paused,
            parked,
            at_work: book.at_work,
            waiting: book.waiting,
            triggered: book.triggers.into(),
            making_up,
            recent,
            orders: book.orders.into_iter().rev().map(event).collect(),
            started: book.started,
            skipped: book.skipped,
        }
    }
}
