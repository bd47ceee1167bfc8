//! What a schedule knows, and what it does next. Pure: the time and what else is to be seen is told to it.
//!
//! Here is what it knows and how words change it; `deeds` is what it does next. The book never grows with the ticks: what is
//! listed in it has a bound each.

mod deeds;

use std::{collections::VecDeque, time::Duration};

use serde::{Deserialize, Deserializer, Serialize};

pub(crate) use self::deeds::{Deed, Next, Stop};
use super::{Note, Overlap, Schedule, word::Word};
use crate::{
    store::{AttrValue, Attribute, RunId},
    suspend::Target,
    time::Timestamp,
};

/// The format of the books that this version writes.
const FORMAT: u32 = 1;

/// How many of the runs and orders that were last are remembered.
const REMEMBERED: usize = 10;

/// How many orders may wait to be carried out, of each kind.
pub(super) const WAITING: usize = 100;

/// The attribute by which the runs of a schedule, and its own run, can be found.
pub const ATTRIBUTE: &str = "refluxo.schedule";

/// What a schedule knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Book {
    #[serde(deserialize_with = "known_format")]
    format: u32,
    /// The schedule's name.
    pub(super) name: String,
    pub(super) schedule: Schedule,
    /// All ticks up to this time are done with.
    pub(super) after: Timestamp,
    /// Who paused it.
    pub(super) paused: Option<Note>,
    /// Who deleted it.
    pub(super) deleted: Option<Note>,
    /// The run that must have ended before another one is started; only where runs must not overlap.
    pub(super) at_work: Option<RunId>,
    /// Whether that one was told to end.
    stopped: bool,
    /// The tick whose run is to be started next.
    pub(super) waiting: Option<Timestamp>,
    /// The runs that were ordered and have not been started yet.
    pub(super) triggers: VecDeque<RunId>,
    /// The ticks that are made up.
    pub(super) spans: VecDeque<Span>,
    /// The runs that were started last, the latest last.
    pub(super) recent: VecDeque<Started>,
    /// What was ordered last, the latest last.
    pub(super) orders: VecDeque<Ordered>,
    /// How many runs were started.
    pub(super) started: u64,
    /// How many ticks were left out, since an earlier run was at work.
    pub(super) skipped: u64,
    /// What was last seen; nothing if something may have happened since.
    seen: Option<Seen>,
}

/// Ticks that are made up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Span {
    /// Those up to here are done with.
    pub(super) after: Timestamp,
    /// The last one is not after this.
    pub(super) to: Timestamp,
    /// Whether somebody ordered it.
    pub(super) ordered: bool,
}

/// A run that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Started {
    pub(super) run: RunId,
    /// Its tick; none if it was triggered.
    pub(super) tick: Option<Timestamp>,
    pub(super) at: Timestamp,
}

/// What was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ordered {
    pub(super) what: String,
    pub(super) note: Note,
}

/// What there is to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Seen {
    /// The time by the store's clock.
    pub(super) now: Timestamp,
    /// How many words wait in the inbox.
    pub(super) words: usize,
    /// Whether the run that was asked for has not ended.
    pub(super) at_work: bool,
}

impl Book {
    /// The book of a schedule that begins at this time.
    pub(super) fn new(name: String, schedule: Schedule, now: Timestamp) -> Self {
        Self {
            format: FORMAT,
            name,
            schedule,
            after: now,
            paused: None,
            deleted: None,
            at_work: None,
            stopped: false,
            waiting: None,
            triggers: VecDeque::new(),
            spans: VecDeque::new(),
            recent: VecDeque::new(),
            orders: VecDeque::new(),
            started: 0,
            skipped: 0,
            seen: None,
        }
    }

    /// Takes what was seen.
    pub(super) fn see(&mut self, seen: Seen) {
        if !seen.at_work {
            self.at_work = None;
        }
        self.seen = Some(seen);
    }

    /// Something is due: it has to look.
    pub(super) fn wake(&mut self) {
        self.seen = None;
    }

    /// Takes a word, and gives what is started from now on if that is something else.
    pub(super) fn heed(&mut self, word: Word) -> Option<Target> {
        if let Some(seen) = &mut self.seen {
            seen.words = seen.words.saturating_sub(1);
        }
        match word {
            Word::Ended { run, status: _ } => self.ended(&run),
            Word::Update { schedule, target, note } => {
                self.update(schedule, &note);
                return Some(target);
            }
            Word::Pause(note) => self.pause(note),
            Word::Resume(note) => self.resume(note),
            Word::Trigger { run, note } => {
                self.order(format!("trigger {run}"), note);
                if self.triggers.len() < WAITING {
                    self.triggers.push_back(run);
                }
            }
            Word::Backfill { from, to, note } => {
                self.order(format!("backfill {from}..{to}"), note);
                // By the smallest step there is: the first moment is part of it, the last is not.
                let step = Duration::from_micros(1);
                self.make_up(Span { after: earlier(from, step), to: earlier(to, step), ordered: true });
            }
            Word::Delete(note) => {
                self.order("delete".to_owned(), note.clone());
                self.deleted = Some(note);
            }
        }
        None
    }

    fn ended(&mut self, run: &RunId) {
        if self.at_work.as_ref() == Some(run) {
            self.at_work = None;
            self.look_if(self.something_waits());
        }
    }

    fn update(&mut self, schedule: Schedule, note: &Note) {
        self.order("update".to_owned(), note.clone());
        let is_new = self.deleted.take().is_some();
        if is_new {
            self.paused = None;
        }
        if is_new || self.schedule.plan != schedule.plan {
            // Ticks of the new plan count from now on, and what was still owed of the old one is not.
            self.after = self.after.max(note.at);
            self.drop_ticks();
        }
        if schedule.overlap == Overlap::Allow {
            self.at_work = None;
        }
        self.schedule = schedule;
    }

    fn pause(&mut self, note: Note) {
        self.order("pause".to_owned(), note.clone());
        // What was due before counts as if it had come in the pause.
        self.drop_ticks();
        self.paused.get_or_insert(note);
    }

    fn resume(&mut self, note: Note) {
        if self.paused.take().is_some() {
            self.after = self.after.max(note.at);
        }
        self.order("resume".to_owned(), note);
    }

    /// Remembers an order.
    fn order(&mut self, what: String, note: Note) {
        remember(&mut self.orders, Ordered { what, note });
        self.look_if(true);
    }

    /// Looks at the clock if that is of use, once the words that were seen are taken.
    fn look_if(&mut self, is_of_use: bool) {
        let is_last = self.seen.as_ref().is_some_and(|seen| seen.words == 0);
        if is_last && is_of_use {
            self.seen = None;
        }
    }

    fn something_waits(&self) -> bool {
        self.waiting.is_some() || !self.triggers.is_empty() || !self.spans.is_empty()
    }

    /// Lets go of the ticks whose runs were to be started, unless somebody ordered it.
    fn drop_ticks(&mut self) {
        self.waiting = None;
        self.spans.retain(|span| span.ordered);
    }

    fn make_up(&mut self, span: Span) {
        if self.spans.len() < WAITING {
            self.spans.push_back(span);
        } else {
            tracing::warn!(schedule = self.name, from = %span.after, to = %span.to, "too much is to be made up; these ticks are left out");
        }
    }
}

/// The attribute of the runs of a schedule.
pub(super) fn attribute(name: &str) -> Attribute {
    Attribute { name: ATTRIBUTE.to_owned(), value: AttrValue::Text(name.to_owned()) }
}

/// So much earlier.
fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    let by = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(time.as_micros().saturating_sub(by))
}

/// Adds something and forgets what is too old.
fn remember<T>(list: &mut VecDeque<T>, one: T) {
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(one);
}

/// Refuses a book of a format that this version does not know.
fn known_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let format = u32::deserialize(deserializer)?;
    if format == FORMAT {
        return Ok(format);
    }
    Err(serde::de::Error::custom(format_args!(
        "the schedule is of format {format} and this version of refluxo reads format {FORMAT}: update it"
    )))
}
