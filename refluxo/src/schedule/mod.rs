//! Schedules: runs that are started when the clock says so.
//!
//! [`Engine::schedule`](crate::Engine::schedule) makes a schedule, or brings it up to date. A [`Schedule`] says when it ticks, by a
//! cron expression in a time zone or in intervals, what becomes of ticks that were missed ([`CatchUp`]) and of those that come while an
//! earlier run is at work ([`Overlap`]). A [`ScheduleHandle`] pauses it, triggers a run, makes ticks up and describes it.
//!
//! # How it works
//!
//! A schedule is a run of a workflow of this crate: between its ticks it is a row with a due time. At a tick, whichever worker
//! takes it starts the tick's run in the same commit that notes the tick as done. So a tick is exactly once, by the
//! guarantees that every run has; a worker that dies, or that lost the schedule and does not know, changes nothing.
//!
//! In reading order: `cron` and `plan` tell when a schedule ticks, `spec` is the [`Schedule`]; the `book` decides what it does
//! next, by what it is told by `word`s; the `keeper` is the workflow that does it. `standing`, `handle`, `info` and `engine` are what a
//! program sees.

mod book;
mod cron;
mod engine;
mod error;
mod handle;
mod info;
mod keeper;
mod plan;
mod spec;
mod standing;
#[cfg(all(test, feature = "testing"))]
mod tests;
mod word;

pub use book::ATTRIBUTE;
pub use cron::{CronError, CronField};
pub use error::ScheduleError;
pub use handle::{ScheduleHandle, ScheduleOrder};
pub use info::{ScheduleEvent, ScheduleInfo, ScheduledRun};
pub(crate) use keeper::{Desk, Keeper};
pub use spec::{CatchUp, Overlap, Schedule, SpecError};
pub use word::Note;
