//! What a schedule does next, by what its book says.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Book, Seen, Span, Started, attribute, earlier, remember};
use crate::{
    schedule::{CatchUp, Overlap, word::Word},
    store::RunId,
    suspend::{Launch, Target},
    time::Timestamp,
};

/// How late a tick may be that counts as one that was not missed.
const LATE: Duration = Duration::from_mins(1);

/// After what time a schedule that waits for the end of a run looks whether it has been told of it. It is told; this is for
/// a run that has its id from somebody else.
const LOOK_AGAIN: Duration = Duration::from_mins(5);

/// What a schedule does next.
#[derive(Debug, PartialEq)]
pub(crate) enum Deed {
    /// It looks at the clock, at its inbox, and whether this run has ended.
    Look(Option<RunId>),
    /// It starts a run.
    Start(Next),
    /// It has a run end.
    Stop(RunId, Stop),
    /// It takes a word, until this time if one is given.
    Listen(Option<Timestamp>),
    /// It ends.
    End,
}

/// A run that is to be started.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Next {
    run: RunId,
    due: Option<Timestamp>,
    tells: bool,
}

/// How a run is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stop {
    Cancel,
    Abort,
}

impl Book {
    /// What the schedule does next. It is done once this book is stored.
    pub(crate) fn next(&mut self) -> Deed {
        let Some(Seen { now, words, .. }) = self.seen else { return Deed::Look(self.at_work.clone()) };
        // Whoever deletes a schedule and makes it anew is heard before it ends.
        if words > 0 {
            return Deed::Listen(None);
        }
        if self.deleted.is_some() {
            return Deed::End;
        }
        self.tick(now);
        if let Some(stop) = self.stop() {
            return stop;
        }
        match self.next_run(now) {
            Some(next) => Deed::Start(next),
            None => Deed::Listen(self.alarm(now)),
        }
    }

    /// Looks which ticks have come.
    fn tick(&mut self, now: Timestamp) {
        if self.paused.is_some() {
            return;
        }
        let plan = &self.schedule.plan;
        let (Some(first), Some(last)) = (plan.next(self.after), plan.last(self.after, now)) else { return };
        let after = self.after.max(earlier(now, self.schedule.catch_up_window));
        let is_late = now.saturating_since(last) > LATE;
        self.after = last;
        match self.schedule.catch_up {
            CatchUp::All if is_late || first != last => {
                self.make_up(Span { after, to: last, ordered: false });
            }
            CatchUp::None | CatchUp::Latest | CatchUp::All if !is_late => self.come(last),
            CatchUp::Latest if last > after => self.come(last),
            CatchUp::None | CatchUp::Latest | CatchUp::All => {}
        }
    }

    /// A tick has come.
    fn come(&mut self, tick: Timestamp) {
        let is_left_out = match self.schedule.overlap {
            Overlap::Allow => false,
            Overlap::Skip => self.at_work.is_some(),
            Overlap::BufferOne => self.waiting.is_some(),
            Overlap::CancelOther | Overlap::AbortOther => {
                self.skipped += u64::from(self.waiting.is_some());
                false
            }
        };
        if is_left_out {
            self.skipped += 1;
        } else {
            self.waiting = Some(tick);
        }
    }

    /// Whether the run at work has to make way.
    fn stop(&mut self) -> Option<Deed> {
        let stop = match self.schedule.overlap {
            Overlap::CancelOther => Stop::Cancel,
            Overlap::AbortOther => Stop::Abort,
            Overlap::Allow | Overlap::Skip | Overlap::BufferOne => return None,
        };
        let other = self.at_work.clone().filter(|_| self.waiting.is_some() && !self.stopped)?;
        self.stopped = true;
        Some(Deed::Stop(other, stop))
    }

    /// The run that is started next: that of the tick that waits, one that was ordered, or one that is made up.
    fn next_run(&mut self, now: Timestamp) -> Option<Next> {
        if self.at_work.is_some() {
            return None;
        }
        if let Some(tick) = self.waiting.take() {
            return self.start_tick(tick, now);
        }
        if let Some(run) = self.triggers.pop_front() {
            return Some(self.start(run, None, now));
        }
        while let Some(span) = self.spans.front_mut() {
            let (plan, to) = (&self.schedule.plan, span.to);
            let Some(tick) = plan.next(span.after).filter(|tick| *tick <= to) else {
                self.spans.pop_front();
                continue;
            };
            span.after = tick;
            let next = self.start_tick(tick, now);
            // There may be many: it looks for words in between, and whether there was such a run already.
            self.seen = None;
            return next;
        }
        None
    }

    fn start_tick(&mut self, tick: Timestamp, now: Timestamp) -> Option<Next> {
        // The name was checked to leave room for it.
        let run = RunId::new(format!("{}@{tick}", self.name)).ok()?;
        Some(self.start(run, Some(tick), now))
    }

    fn start(&mut self, run: RunId, tick: Option<Timestamp>, now: Timestamp) -> Next {
        let due = tick
            .map(|tick| tick.saturating_add(self.schedule.delay(&self.name, tick)))
            .filter(|due| *due > now);
        remember(&mut self.recent, Started { run: run.clone(), tick, at: now });
        self.started += 1;
        let tells = self.schedule.overlap != Overlap::Allow;
        self.at_work = tells.then(|| run.clone());
        self.stopped = false;
        Next { run, due, tells }
    }

    /// When it has to look if nothing is said: at the next tick.
    fn alarm(&self, now: Timestamp) -> Option<Timestamp> {
        let tick = if self.paused.is_none() { self.schedule.plan.next(self.after) } else { None };
        let is_held_up = self.at_work.is_some() && self.something_waits();
        let again = is_held_up.then(|| now.saturating_add(LOOK_AGAIN));
        tick.into_iter().chain(again).min()
    }

    /// The call that starts a run.
    pub(crate) fn launch(&self, next: Next, target: Target) -> Launch {
        let Next { run, due, tells } = next;
        let tells = tells.then(|| Word::SIGNAL.to_owned());
        Launch { run, target, due, tells, attributes: vec![attribute(&self.name)] }
    }
}
