//! All runs in memory, with the indexes that keep claims and lists from looking at all of them.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use super::{
    gates::{Gates, group},
    run::{Fence, Run},
};
use crate::{
    store::{
        Commit, Committed, Created, Delivered, Due, Effect, Filter, InvalidCommit, Lease, Limits, ListCursor,
        Listed, ListedRow, Message, NewRun, Owed, Query, Renewed, Row, RunId, SessionId, SessionWatch, Start,
        Token, Wake,
    },
    time::Timestamp,
};

/// A version of a workflow, and a priority; the highest comes first.
type Level = (u32, Reverse<i8>);

/// The runs of one workflow and level by the time at which they are due.
pub(super) type DueRuns = BTreeSet<(Timestamp, RunId)>;

/// All runs.
pub(super) struct Table {
    pub(super) runs: HashMap<RunId, Run>,
    /// Every run that is or will be due, by workflow: a claim looks at nothing else.
    pub(super) due: HashMap<String, BTreeMap<Level, DueRuns>>,
    /// What stands at gates, and what came through them.
    pub(super) gates: Gates,
    /// Every run by age, for lists.
    by_age: BTreeSet<(Timestamp, RunId)>,
    /// Every ended run by its end, for purges.
    by_end: BTreeSet<(Timestamp, RunId)>,
    /// How many living runs each run awaits, for purges.
    living_children: HashMap<RunId, u64>,
    /// The sessions that took leases.
    pub(super) sessions: HashMap<SessionId, SessionWatch>,
    pub(super) limits: Limits,
    /// Whether effects are left to the holder, as by a store that can't write two records at once.
    pub(super) hands_back_effects: bool,
    pub(super) tokens: Box<dyn FnMut() -> Token + Send>,
    /// What listeners are to be told after the operation.
    pub(super) wakes: Vec<Wake>,
}

/// The level that a run is claimed at.
fn level(row: &Row) -> Level {
    (row.head.version, Reverse(row.lane.priority))
}

/// A run's place in the index of due runs.
fn due_key(row: &Row) -> Option<Timestamp> {
    match row.due {
        Due::Never | Due::Blocked { .. } => None,
        Due::At(due) => Some(due),
        Due::Leased { until, .. } => Some(until),
    }
}

impl Table {
    pub(super) fn new(
        limits: Limits,
        hands_back_effects: bool,
        tokens: Box<dyn FnMut() -> Token + Send>,
    ) -> Self {
        Self {
            runs: HashMap::new(),
            due: HashMap::new(),
            gates: Gates::default(),
            by_age: BTreeSet::new(),
            by_end: BTreeSet::new(),
            living_children: HashMap::new(),
            sessions: HashMap::new(),
            limits,
            hands_back_effects,
            tokens,
            wakes: Vec::new(),
        }
    }

    pub(super) fn get(&self, id: &RunId) -> Option<&Run> {
        self.runs.get(id)
    }

    /// Changes one run and brings the indexes up to date. Every change goes through here.
    pub(super) fn edit<T>(
        &mut self,
        id: &RunId,
        now: Timestamp,
        change: impl FnOnce(&mut Run, &Limits) -> T,
    ) -> Option<T> {
        let run = self.runs.get_mut(id)?;
        let (due_before, before) = (run.row.due, due_key(&run.row));
        let (before_level, ended) = (level(&run.row), run.row.ended.is_some());
        let messages = run.row.inbox_last;
        self.gates.leave(run);
        let answer = change(run, &self.limits);
        self.gates.enter(run);
        let after = due_key(&run.row);
        let queue = self.due.entry(run.row.queue.clone()).or_default();
        if let (Some(due), Some(runs)) = (before, queue.get_mut(&before_level)) {
            runs.remove(&(due, id.clone()));
        }
        if let Some(due) = after {
            queue.entry(level(&run.row)).or_default().insert((due, id.clone()));
        }
        match run.row.due {
            Due::At(due) if run.row.due != due_before => self.wakes.push(Wake::Due(due.max(now))),
            Due::Leased { .. } if run.row.inbox_last > messages => self.wakes.push(Wake::Bell(id.clone())),
            Due::At(_) | Due::Leased { .. } | Due::Blocked { .. } | Due::Never => {}
        }
        if let (false, Some(end)) = (ended, run.row.ended) {
            self.by_end.insert((end, id.clone()));
            if let Some(parent) = &run.row.parent {
                self.living_children.entry(parent.clone()).and_modify(|children| *children -= 1);
            }
            self.wakes.push(Wake::Ended(id.clone()));
        }
        let let_go = matches!((due_before, run.row.due), (Due::Leased { .. }, Due::At(_) | Due::Never));
        if let_go && (run.gated || run.row.lane.key.is_some()) {
            let group = group(&run.row);
            self.let_through(&group, now);
            // It may have been the last place of the workflow.
            self.wakes.push(Wake::Due(now));
        }
        Some(answer)
    }

    pub(super) fn create(&mut self, new: NewRun, now: Timestamp) -> Created {
        let start = new.start_as_claimed();
        if let Some(run) = self.runs.get(&new.id) {
            return exists(run, &new, &start);
        }
        let id = new.id.clone();
        let due = match start {
            Start::Now | Start::Lent { .. } => now,
            Start::At(due) => due,
        };
        let run = Run::new(new, due, &self.limits, now);
        self.by_age.insert((now, id.clone()));
        if let Some(parent) = &run.row.parent {
            *self.living_children.entry(parent.clone()).or_default() += 1;
        }
        let queue = self.due.entry(run.row.queue.clone()).or_default();
        queue.entry(level(&run.row)).or_default().insert((due, id.clone()));
        self.runs.insert(id.clone(), run);
        if let Start::Lent { session, keep } = start {
            return Created::New { lease: self.lend(&id, &session, now.saturating_add(keep), false, now) };
        }
        self.wakes.push(Wake::Due(due));
        Created::New { lease: None }
    }

    pub(super) fn renew(&mut self, lease: &Lease, until: Timestamp, now: Timestamp) -> Renewed {
        let renew = |run: &mut Run, _: &Limits| run.renew(lease.token, until, now);
        self.edit(&lease.run, now, renew).unwrap_or(Renewed::Lost)
    }

    pub(super) fn commit(&mut self, mut commit: Commit, now: Timestamp) -> Result<Committed, InvalidCommit> {
        commit.check()?;
        let id = commit.lease.run.clone();
        let Some(run) = self.runs.get(&id) else { return Ok(Committed::Lost) };
        let seen = commit.seen;
        match run.fence(&commit.lease) {
            Fence::Shut => return Ok(Committed::Lost),
            Fence::Passed => {}
            Fence::Open => {
                let ids = run.effect_ids();
                let effects = std::mem::take(&mut commit.effects).into_iter().zip(ids);
                let effects = effects.map(|(effect, id)| Owed { id, effect });
                // Those to be handed back go into the record with the commit; the others are tried after it, since a run
                // may send a message to itself.
                let (owed, tried) = effects.partition(|_| self.hands_back_effects);
                let unbegun = commit.unbegun;
                self.edit(&id, now, |run, limits| run.commit(commit, owed, limits, now));
                if unbegun {
                    // Another one may begin instead.
                    self.wakes.push(Wake::Due(now));
                }
                self.apply_effects(&id, tried, now);
            }
        }
        let run = &self.runs[&id];
        let more = run.row.ended.is_none() && run.row.inbox_last > seen;
        Ok(Committed::Done { revision: run.row.revision, more, owed: run.owed.clone() })
    }

    /// Applies a commit's effects; what can't be applied is owed, and a run that owes does not rest.
    fn apply_effects(&mut self, id: &RunId, effects: Vec<Owed>, now: Timestamp) {
        for owed in effects {
            if self.apply_effect(owed.effect.clone(), now) {
                continue;
            }
            self.edit(id, now, |run, _| {
                run.owed.push(owed);
                if !matches!(run.row.due, Due::Leased { .. }) {
                    run.row.due = Due::At(now);
                }
            });
        }
    }

    /// Whether the effect is done with.
    fn apply_effect(&mut self, effect: Effect, now: Timestamp) -> bool {
        match effect {
            Effect::Deliver(message) => {
                self.deliver(message, false, now);
                true
            }
            Effect::Start(mut new) => {
                if let Start::Lent { .. } = new.start {
                    new.start = Start::Now;
                }
                matches!(self.create(*new, now), Created::New { .. })
            }
        }
    }

    pub(super) fn deliver(&mut self, message: Message, bounded: bool, now: Timestamp) -> Delivered {
        let id = message.to.clone();
        match self.runs.get(&id) {
            Some(run) if message.uid.is_none_or(|uid| uid == run.row.uid) => {}
            Some(_) | None => return Delivered::NoRun,
        }
        let deliver = |run: &mut Run, limits: &Limits| run.deliver(message, bounded.then_some(limits), now);
        self.edit(&id, now, deliver).unwrap_or(Delivered::NoRun)
    }

    pub(super) fn list(&self, query: &Query) -> Listed {
        match query {
            Query::Rows { filter, after, limit } => {
                let place = after.as_ref().map(|place| (place.created, place.id.clone()));
                let older =
                    self.by_age.iter().rev().filter(|key| place.as_ref().is_none_or(|place| *key < place));
                let runs = older.map(|(_, id)| &self.runs[id]).filter(|run| holds(filter, run));
                let listed = |run: &Run| ListedRow { row: run.row.clone(), attributes: run.attributes() };
                let rows: Vec<ListedRow> = runs.take(*limit as usize).map(listed).collect();
                let last = rows.last().filter(|_| rows.len() == *limit as usize);
                let next = last.map(|last| ListCursor::after(&last.row));
                Listed::Rows { rows, next }
            }
            Query::Count { filter, cap } => {
                let found = self.runs.values().filter(|run| holds(filter, run));
                let runs = found.take(usize::try_from(*cap).unwrap_or(usize::MAX)).count() as u64;
                Listed::Count { runs, capped: runs == *cap }
            }
        }
    }

    pub(super) fn purge(&mut self, filter: &Filter, limit: u32) -> u32 {
        let awaits = |id: &RunId| self.living_children.get(id).is_some_and(|children| *children > 0);
        let is_done = |run: &&Run| run.owed.is_empty() && !awaits(&run.row.id);
        let may_go = |run: &&Run| is_done(run) && holds(filter, run);
        let before = filter.ended_before;
        let ended = self.by_end.iter().take_while(|(end, _)| before.is_none_or(|before| *end < before));
        let gone = ended.map(|(_, id)| &self.runs[id]).filter(may_go).take(limit as usize);
        let gone: Vec<(Timestamp, Timestamp, RunId)> =
            gone.filter_map(|run| Some((run.row.created, run.row.ended?, run.row.id.clone()))).collect();
        for (created, ended, id) in &gone {
            if let Some(run) = self.runs.remove(id) {
                self.gates.leave(&run);
            }
            self.by_age.remove(&(*created, id.clone()));
            self.by_end.remove(&(*ended, id.clone()));
            self.living_children.remove(id);
        }
        u32::try_from(gone.len()).unwrap_or(limit)
    }
}

/// The answer to a `create` under an id that is in use.
fn exists(run: &Run, new: &NewRun, start: &Start) -> Created {
    if run.row.uid != new.uid {
        let same_input = run.row.input == new.input;
        return Created::Exists { uid: run.row.uid, queue: run.row.queue.clone(), same_input };
    }
    // The same `create` again: the first answer again, as long as it is still true.
    let lease = match (start, run.row.due, run.token) {
        (Start::Lent { session, .. }, Due::Leased { session: holder, until }, Some(token))
            if holder == session.id() && run.row.revision.0 == 0 =>
        {
            Some(Lease { run: new.id.clone(), token, revision: run.row.revision, until })
        }
        _ => None,
    };
    Created::New { lease }
}

/// Whether all conditions of the filter hold.
fn holds(filter: &Filter, run: &Run) -> bool {
    let row = &run.row;
    (filter.queues.is_empty() || filter.queues.contains(&row.queue))
        && (filter.statuses.is_empty() || filter.statuses.contains(&row.head.status))
        && filter.at.as_ref().is_none_or(|at| *at == row.head.at)
        && filter.parent.as_ref().is_none_or(|parent| Some(parent) == row.parent.as_ref())
        && filter.created_from.is_none_or(|from| row.created >= from)
        && filter.created_before.is_none_or(|before| row.created < before)
        && filter.updated_from.is_none_or(|from| row.updated >= from)
        && filter.updated_before.is_none_or(|before| row.updated < before)
        && filter.ended_from.is_none_or(|from| row.ended.is_some_and(|ended| ended >= from))
        && filter.ended_before.is_none_or(|before| row.ended.is_some_and(|ended| ended < before))
        && filter.attributes.iter().all(|(name, value)| run.has_attribute(name, value))
}
