//! When a schedule ticks.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{SpecError, cron::Cron};
use crate::time::Timestamp;

/// When a schedule ticks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "PlanWire", into = "PlanWire")]
pub(super) enum Plan {
    /// When the clock shows these times.
    Cron(Box<Cron>),
    /// Once in a period, counted from `offset` after the Unix epoch.
    Every { period: Duration, offset: Duration },
}

/// The JSON of a [`Plan`].
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum PlanWire {
    /// An expression and a time zone.
    Cron { text: String, zone: String },
    /// In microseconds.
    Every { period: u64, offset: u64 },
}

impl Plan {
    /// The first tick after `after`; `None` if there is none any more.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Cron(cron) => {
                let after = jiff::Timestamp::from_microsecond(after.as_micros()).ok()?;
                cron.next(after).map(|tick| Timestamp::from_micros(tick.as_microsecond()))
            }
            Self::Every { period, offset } => {
                let (period, offset) = (micros(*period), micros(*offset));
                let passed = after.as_micros().saturating_sub(offset).div_euclid(period);
                let next = passed.checked_add(1)?.checked_mul(period)?.checked_add(offset)?;
                Some(Timestamp::from_micros(next))
            }
        }
    }

    /// The last tick after `after` that is not after `now`.
    ///
    /// The basic idea is as follows: `next(time) <= now` holds for all times before the last tick and for none from it on. So
    /// the last tick is found between the two by halving, however many there are; no two ticks are less than a second apart.
    pub(super) fn last(&self, after: Timestamp, now: Timestamp) -> Option<Timestamp> {
        const SECOND: i64 = 1_000_000;
        let is_due = |tick: &Timestamp| *tick <= now;
        let first = self.next(after).filter(is_due)?;
        let Some(mut last) = self.next(first).filter(is_due) else { return Some(first) };
        let (mut before, mut from) = (first.as_micros(), now.as_micros());
        while from - before >= SECOND {
            let middle = before + (from - before) / 2;
            match self.next(Timestamp::from_micros(middle)).filter(is_due) {
                Some(tick) => (before, last) = (middle, tick),
                None => from = middle,
            }
        }
        Some(last)
    }

    /// The same plan in another time zone.
    pub(super) fn in_zone(self, zone: &str) -> Result<Self, SpecError> {
        match self {
            Self::Cron(cron) => Ok(Self::Cron(Box::new(cron.in_zone(time_zone(zone)?)))),
            Self::Every { .. } => Err(SpecError::ZoneOfInterval { zone: zone.to_owned() }),
        }
    }
}

/// The time zone of this name.
fn time_zone(name: &str) -> Result<TimeZone, SpecError> {
    let unknown =
        |cause: jiff::Error| SpecError::UnknownZone { zone: name.to_owned(), message: cause.to_string() };
    TimeZone::get(name).map_err(unknown)
}

/// A duration in microseconds.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

impl From<Plan> for PlanWire {
    fn from(plan: Plan) -> Self {
        let micros = |duration| micros(duration).unsigned_abs();
        match plan {
            Plan::Cron(cron) => Self::Cron { text: cron.text().to_owned(), zone: cron.zone().to_owned() },
            Plan::Every { period, offset } => Self::Every { period: micros(period), offset: micros(offset) },
        }
    }
}

impl TryFrom<PlanWire> for Plan {
    type Error = SpecError;

    fn try_from(wire: PlanWire) -> Result<Self, SpecError> {
        Ok(match wire {
            PlanWire::Cron { text, zone } => Self::Cron(Box::new(Cron::parse(&text, time_zone(&zone)?)?)),
            PlanWire::Every { period, offset } => Self::Every {
                period: Duration::from_micros(period.max(1)),
                offset: Duration::from_micros(offset),
            },
        })
    }
}

/// Two plans are the same if they are written alike.
impl PartialEq for Plan {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cron(one), Self::Cron(other)) => (one.text(), one.zone()) == (other.text(), other.zone()),
            (Self::Every { period, offset }, Self::Every { period: other_period, offset: other_offset }) => {
                (period, offset) == (other_period, other_offset)
            }
            (Self::Cron(_), Self::Every { .. }) | (Self::Every { .. }, Self::Cron(_)) => false,
        }
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cron(cron) => write!(f, "{} ({})", cron.text(), cron.zone()),
            Self::Every { period, .. } => write!(f, "every {period:?}"),
        }
    }
}
