//! What a schedule is to do.

use std::{fmt, time::Duration};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{
    cron::{Cron, CronError},
    plan::Plan,
};
use crate::time::Timestamp;

/// When runs are to be started, and what happens where ticks were missed or runs would overlap.
///
/// ```
/// use std::time::Duration;
///
/// use refluxo::schedule::{CatchUp, Overlap, Schedule, SpecError};
///
/// # fn main() -> Result<(), SpecError> {
/// let nightly = Schedule::cron("0 3 * * *")?.zone("Europe/Berlin")?.catch_up(CatchUp::Latest).overlap(Overlap::Skip);
/// let often = Schedule::every(Duration::from_secs(90))?.jitter(Duration::from_secs(10));
/// assert_eq!(often.to_string(), "every 90s");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[must_use = "a schedule does nothing until it is given to `Engine::schedule`"]
pub struct Schedule {
    pub(super) plan: Plan,
    pub(super) catch_up: CatchUp,
    pub(super) catch_up_window: Duration,
    pub(super) overlap: Overlap,
    pub(super) jitter: Duration,
}

/// What becomes of ticks that were missed, since no worker was there: of all ticks but the last that is due, and of that too
/// if it is more than a minute late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CatchUp {
    /// They are left out.
    None,
    /// The last one is made up.
    #[default]
    Latest,
    /// All are made up, the oldest first: at once with [`Overlap::Allow`], else one after another.
    All,
}

/// What becomes of a tick whose time comes while the run of an earlier one is at work.
///
/// A run is at work until it has ended: also while it sleeps, is paused, or is parked and waits to be retried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Overlap {
    /// Its run is started all the same.
    Allow,
    /// It is left out.
    #[default]
    Skip,
    /// Its run is started when the other one has ended. One tick is kept so; those that come while it waits are left out.
    BufferOne,
    /// The other run is [cancelled](crate::Engine::cancel), and the tick's run is started when it has ended. If another tick
    /// comes before that, it takes the place of this one.
    CancelOther,
    /// As [`Overlap::CancelOther`], but the other run is [aborted](crate::Engine::abort).
    AbortOther,
}

/// A schedule that makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecError {
    /// The cron expression can't be read.
    #[error(transparent)]
    Cron(#[from] CronError),
    /// There is no such time zone.
    #[error(
        "there is no time zone `{zone}` ({message}): use a name of the IANA time zone database, such as `Europe/Berlin`"
    )]
    UnknownZone {
        /// The name.
        zone: String,
        /// What the time zone library says.
        message: String,
    },
    /// An interval was given a time zone.
    #[error(
        "an interval has no time zone, so it can't be `{zone}`: use a cron expression for times of the day"
    )]
    ZoneOfInterval {
        /// The time zone.
        zone: String,
    },
    /// The interval is shorter than a second.
    #[error("the interval of {period:?} is too short: a schedule ticks once a second at most")]
    TooOften {
        /// The interval.
        period: Duration,
    },
}

impl Schedule {
    /// Ticks when the clock shows what a cron expression says, in UTC unless [`Schedule::zone`] says otherwise.
    ///
    /// Five fields: minute, hour, day of the month, month and day of the week; six have the second before these, seven the
    /// year after them. Each is `*`, a number, a range (`9-17`), steps (`*/15`, `9-17/2`) or a list of these; months and
    /// days of the week have names (`JAN`, `MON-FRI`). `L` is the last day of the month, `15W` the weekday that is nearest to the 15th,
    /// `FRI#2` the second Friday. If both days are given, either of them will do. `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are known.
    ///
    /// # Where clocks change
    ///
    /// An expression without a `*` in its second, minute and hour, such as `30 2 * * *` or `0 9-17 * * MON-FRI`, is a list of
    /// *appointments*, each of which is kept once a day: one that the clock leaves out is kept at the first moment after the
    /// gap (several are one tick), and one that it shows twice is kept the first time.
    ///
    /// With a `*` there, as in `*/15 * * * *` or `0 * * * *`, it is a *rhythm* and follows the clock: what the clock leaves out
    /// is left out, and what it shows twice ticks twice.
    ///
    /// # Errors
    ///
    /// If the expression can't be read, or never ticks: the error names the field and where it stands.
    ///
    /// ```
    /// use refluxo::schedule::Schedule;
    ///
    /// let error = Schedule::cron("0 25 * * *").unwrap_err();
    /// assert!(error.to_string().contains("column 3, the hour `25`"), "{error}");
    /// ```
    pub fn cron(expression: &str) -> Result<Self, SpecError> {
        Ok(Self::of(Plan::Cron(Box::new(Cron::parse(expression, TimeZone::UTC)?))))
    }

    /// Ticks once in each `period`, counted from the Unix epoch: every hour is on the hour, in UTC. So a restart or an update
    /// does not shift it.
    ///
    /// # Errors
    ///
    /// If the period is shorter than a second.
    pub fn every(period: Duration) -> Result<Self, SpecError> {
        if period < Duration::from_secs(1) {
            return Err(SpecError::TooOften { period });
        }
        Ok(Self::of(Plan::Every { period, offset: Duration::ZERO }))
    }

    fn of(plan: Plan) -> Self {
        Self {
            plan,
            catch_up: CatchUp::default(),
            catch_up_window: Duration::from_hours(365 * 24),
            overlap: Overlap::default(),
            jitter: Duration::ZERO,
        }
    }

    /// The time zone of a cron expression, by its name in the IANA database. The system's copy of that is used, or the one that
    /// is built in where the system has none.
    ///
    /// # Errors
    ///
    /// If there is no such time zone, or the schedule is an interval.
    pub fn zone(self, name: &str) -> Result<Self, SpecError> {
        Ok(Self { plan: self.plan.in_zone(name)?, ..self })
    }

    /// Shifts the ticks of an interval: every hour with an offset of ten minutes is ten past. Does nothing to a cron expression.
    pub fn offset(mut self, by: Duration) -> Self {
        if let Plan::Every { offset, .. } = &mut self.plan {
            *offset = by;
        }
        self
    }

    /// What becomes of ticks that were missed: [`CatchUp::Latest`] unless set.
    pub fn catch_up(self, catch_up: CatchUp) -> Self {
        Self { catch_up, ..self }
    }

    /// How old a tick may be that is made up: a year unless set.
    pub fn catch_up_window(self, window: Duration) -> Self {
        Self { catch_up_window: window, ..self }
    }

    /// What becomes of ticks that come while an earlier run is at work: [`Overlap::Skip`] unless set.
    pub fn overlap(self, overlap: Overlap) -> Self {
        Self { overlap, ..self }
    }

    /// Starts each run up to so much later than its tick, or up to the next tick if that is sooner, so that many schedules of
    /// one time don't start all at once. How much follows from the schedule's name and the tick: it is the same on every worker.
    pub fn jitter(self, longest: Duration) -> Self {
        Self { jitter: longest, ..self }
    }

    /// The first ticks after `after`: what the schedule would do.
    ///
    /// ```
    /// use refluxo::schedule::Schedule;
    ///
    /// let schedule = Schedule::cron("30 2 * * *")?.zone("Europe/Berlin")?;
    /// // On the 29th of March 2026 clocks go from 2:00 to 3:00.
    /// let mut ticks = schedule.ticks("2026-03-27T12:00:00Z".parse()?);
    /// assert_eq!(ticks.next().unwrap().to_string(), "2026-03-28T01:30:00Z");
    /// assert_eq!(ticks.next().unwrap().to_string(), "2026-03-29T01:00:00Z");
    /// assert_eq!(ticks.next().unwrap().to_string(), "2026-03-30T00:30:00Z");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ticks(&self, after: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.plan.next(after), |last| self.plan.next(*last))
    }

    /// How much later than its tick a run of the schedule of this name is started.
    pub(super) fn delay(&self, name: &str, tick: Timestamp) -> Duration {
        let longest = match self.plan.next(tick) {
            Some(next) => self.jitter.min(next.saturating_since(tick)),
            None => self.jitter,
        };
        let Ok(longest) = u64::try_from(longest.as_micros()) else { return Duration::ZERO };
        if longest == 0 {
            return Duration::ZERO;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"refluxo jitter 1").update(name.as_bytes()).update(&tick.as_micros().to_be_bytes());
        let bits = hasher
            .finalize()
            .as_bytes()
            .iter()
            .take(8)
            .fold(0, |bits: u64, byte| bits << 8 | u64::from(*byte));
        Duration::from_micros(bits % longest)
    }
}

/// When it ticks: `0 3 * * * (Europe/Berlin)` or `every 90s`.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.plan.fmt(f)
    }
}
