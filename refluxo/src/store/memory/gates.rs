//! Which runs stand at a gate, and which came through one.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use super::run::Run;
use crate::{
    store::{Due, Row, RunId},
    time::Timestamp,
};

/// A workflow's runs of one key, if they have one.
pub(super) type Group = (String, Option<String>);

/// The runs that stand at a gate, in the order in which they come through: by their priority, and by since when they are due.
type Line = BTreeSet<(Reverse<i8>, Timestamp, RunId)>;

/// The runs that stand at gates, and those that came through one and are lent.
#[derive(Default)]
pub(super) struct Gates {
    /// Those that are blocked, by their version: who can't run the first of a higher one needs another.
    blocked: BTreeMap<Group, BTreeMap<u32, Line>>,
    through: BTreeMap<Group, BTreeSet<RunId>>,
    /// Those that wait until more of their workflow may begin, by their version.
    held_back: BTreeMap<String, BTreeMap<u32, Line>>,
    /// When runs of a workflow began, under a rate.
    begun: BTreeMap<String, BTreeSet<(Timestamp, RunId)>>,
}

/// The workflow and the key of a run.
pub(super) fn group(row: &Row) -> Group {
    (row.queue.clone(), row.lane.key.clone())
}

impl Gates {
    /// Notes how a run stands now.
    pub(super) fn enter(&mut self, run: &Run) {
        let (row, id) = (&run.row, run.row.id.clone());
        if let Some(begun) = run.begun {
            self.begun.entry(row.queue.clone()).or_default().insert((begun, id.clone()));
        }
        match row.due {
            Due::Blocked { since } => {
                let versions = if run.held_back {
                    self.held_back.entry(row.queue.clone()).or_default()
                } else {
                    self.blocked.entry(group(row)).or_default()
                };
                versions.entry(row.head.version).or_default().insert((Reverse(row.lane.priority), since, id));
            }
            Due::Leased { .. } if run.gated => {
                self.through.entry(group(row)).or_default().insert(id);
            }
            Due::Leased { .. } | Due::At(_) | Due::Never => {}
        }
    }

    /// Forgets how a run stands.
    pub(super) fn leave(&mut self, run: &Run) {
        let row = &run.row;
        if let (Some(begun), Some(all)) = (run.begun, self.begun.get_mut(&row.queue)) {
            all.remove(&(begun, row.id.clone()));
        }
        match row.due {
            Due::Blocked { since } => {
                let versions = if run.held_back {
                    self.held_back.get_mut(&row.queue)
                } else {
                    self.blocked.get_mut(&group(row))
                };
                if let Some(versions) = versions {
                    if let Some(line) = versions.get_mut(&row.head.version) {
                        line.remove(&(Reverse(row.lane.priority), since, row.id.clone()));
                    }
                    versions.retain(|_, line| !line.is_empty());
                }
            }
            Due::Leased { .. } if run.gated => {
                if let Some(through) = self.through.get_mut(&group(row)) {
                    through.remove(&row.id);
                }
            }
            Due::Leased { .. } | Due::At(_) | Due::Never => {}
        }
    }

    /// The first of each version that stand at the gate of a key, of those that may come.
    pub(super) fn first(&self, group: &Group, may_come: impl Fn(&RunId) -> bool) -> Vec<RunId> {
        let lines = self.blocked.get(group).into_iter().flat_map(BTreeMap::values);
        lines
            .filter_map(|line| line.iter().find(|(.., id)| may_come(id)))
            .map(|(.., id)| id.clone())
            .collect()
    }

    /// Those of one key that came through a gate.
    pub(super) fn through_of(&self, group: &Group) -> impl Iterator<Item = &RunId> {
        self.through.get(group).into_iter().flatten()
    }

    /// Those of one workflow that came through a gate.
    pub(super) fn through(&self, queue: &str) -> impl Iterator<Item = &RunId> {
        let from = (queue.to_owned(), None);
        self.through.range(from..).take_while(move |((of, _), _)| of == queue).flat_map(|(_, runs)| runs)
    }

    /// So many of those that were held back of a workflow up to a version: the most urgent, and of those the ones that were due first.
    pub(super) fn next(&self, queue: &str, version: u32, most: u32) -> Vec<RunId> {
        let most = most as usize;
        let lines = self.held_back.get(queue).into_iter().flat_map(|lines| lines.range(..=version));
        let mut next: Vec<_> = lines.flat_map(|(_, line)| line.iter().take(most)).collect();
        next.sort();
        next.truncate(most);
        next.into_iter().map(|(.., id)| id.clone()).collect()
    }

    /// When runs of a workflow began under a rate, the last first.
    pub(super) fn begun(&self, queue: &str) -> impl Iterator<Item = Timestamp> {
        self.begun.get(queue).into_iter().flat_map(|begun| begun.iter().rev()).map(|(begun, _)| *begun)
    }
}
