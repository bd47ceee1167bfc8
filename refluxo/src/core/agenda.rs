//! What there may be to do about a run's calls, so that nobody has to walk all of them to find out.
//!
//! The basic idea is as follows: a call waits until something is over: nothing, a time, a message, or a step that is being run. Calls
//! are filed under what they wait for, and a commit files anew only those that it changes. So it costs what it changes, and not
//! what it leaves alone: of ten thousand steps at work none is looked at when another one ends.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    snapshot::{Call, Path, WaitingFor},
    store::{Revision, RunId},
    time::Timestamp,
};

/// Calls by what they wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Agenda {
    /// Those that wait for nothing.
    now: BTreeSet<Path>,
    /// Those that wait for a time, also for the end of their own.
    times: BTreeSet<(Timestamp, Path)>,
    /// Those that wait for a signal of this name, the one that has waited longest first, and of those that are as old the one
    /// that stands first in the source.
    signals: BTreeMap<String, BTreeSet<(Revision, Path)>>,
    /// Those that wait for the end of this child.
    children: BTreeMap<RunId, Path>,
}

/// What a call waits for, besides the end of its time.
enum For<'a> {
    Nothing,
    Time(Timestamp),
    Signal(&'a str),
    Child(&'a RunId),
    /// For its branches.
    Others,
}

impl Agenda {
    /// Files a call; a step as one that is not being run.
    pub(super) fn add(&mut self, path: &Path, call: &Call) {
        if let Some(until) = call.until {
            self.times.insert((until, path.clone()));
        }
        match For::of(call) {
            For::Nothing => {
                self.now.insert(path.clone());
            }
            For::Time(time) => {
                self.times.insert((time, path.clone()));
            }
            For::Signal(name) => {
                let waiting = self.signals.entry(name.to_owned()).or_default();
                waiting.insert((call.entered, path.clone()));
            }
            For::Child(id) => {
                self.children.insert(id.clone(), path.clone());
            }
            For::Others => {}
        }
    }

    /// Takes a call out.
    pub(super) fn remove(&mut self, path: &Path, call: &Call) {
        if let Some(until) = call.until {
            self.times.remove(&(until, path.clone()));
        }
        match For::of(call) {
            For::Nothing => {
                self.now.remove(path);
            }
            For::Time(time) => {
                self.times.remove(&(time, path.clone()));
            }
            For::Signal(name) => {
                if let Some(waiting) = self.signals.get_mut(name) {
                    waiting.remove(&(call.entered, path.clone()));
                    if waiting.is_empty() {
                        self.signals.remove(name);
                    }
                }
            }
            For::Child(id) => {
                self.children.remove(id);
            }
            For::Others => {}
        }
    }

    /// Has a step wait for nothing but the end of its time: it is being run.
    pub(super) fn set_out(&mut self, path: &Path, call: &Call) {
        self.remove(path, call);
        if let Some(until) = call.until {
            self.times.insert((until, path.clone()));
        }
    }

    /// The calls that there is something to do about by now without a message.
    pub(super) fn ripe(&self, now: Timestamp) -> impl Iterator<Item = &Path> {
        let come = self.times.iter().take_while(move |(time, _)| *time <= now);
        self.now.iter().chain(come.map(|(_, path)| path))
    }

    /// The first time that a call waits for.
    pub(super) fn due(&self) -> Option<Timestamp> {
        self.times.first().map(|(time, _)| *time)
    }

    /// The calls that wait for a signal of this name, in the order in which they take it.
    pub(super) fn waiting_for(&self, signal: &str) -> impl Iterator<Item = &Path> {
        self.signals.get(signal).into_iter().flatten().map(|(_, path)| path)
    }

    /// The call that waits for the end of this child.
    pub(super) fn awaiting(&self, child: &str) -> Option<&Path> {
        self.children.get(child)
    }
}

impl<'a> For<'a> {
    fn of(call: &'a Call) -> Self {
        match &call.waiting_for {
            WaitingFor::Step { .. } => match &call.retry {
                Some(retry) => Self::Time(retry.due),
                None => Self::Nothing,
            },
            WaitingFor::Timer { until } => Self::Time(*until),
            WaitingFor::Signal { name } => Self::Signal(name),
            WaitingFor::Child { .. } if call.is_unstarted_child() => Self::Nothing,
            WaitingFor::Child { id } => Self::Child(id),
            WaitingFor::Group(group) if group.of > 0 => Self::Others,
            WaitingFor::Start | WaitingFor::Spawn { .. } | WaitingFor::Group(_) => Self::Nothing,
        }
    }
}
