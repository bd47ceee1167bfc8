//! `claim`: which runs are lent, and which wait.

use std::{cmp::Reverse, collections::BTreeSet};

use super::{
    gates::{Group, group},
    run::Run,
    table::{DueRuns, Table},
};
use crate::{
    store::{
        Claim, Claimed, Depth, Due, Gate, Lease, Rate, RunId, Session, SessionId, SessionWatch, Wake, Want,
    },
    time::Timestamp,
};

impl Table {
    pub(super) fn claim(&mut self, claim: &Claim, now: Timestamp) -> Claimed {
        self.free_dead_sessions(now);
        let until = now.saturating_add(claim.keep);
        let mut runs = Vec::new();
        let mut left = claim.limit;
        for want in &claim.wants {
            let mut room = self.room(want, left.min(want.slots), now);
            let mut starts = self.starts(want, now);
            let mut held_back = false;
            // Again, as long as runs that were found become blocked and leave their places to others.
            while let found = self.next_runs(want, room, starts, now)
                && !found.is_empty()
            {
                for id in found {
                    let begins = want.gate.rate.is_some() && self.runs[&id].is_new();
                    if begins && starts == 0 {
                        self.hold_back(&id, now);
                        held_back = true;
                    } else if !self.may_pass(&id, want.gate, now) {
                        self.edit(&id, now, |run, _| run.block());
                    } else if let Some(lease) =
                        self.lend(&id, &claim.session, until, self.is_gated(&id, want.gate), now)
                    {
                        runs.push((lease, self.runs[&id].record(Depth::All)));
                        if begins {
                            self.edit(&id, now, |run, _| run.begun = Some(now));
                            starts -= 1;
                        }
                        room -= 1;
                        left -= 1;
                        self.follow_through(&id, want.gate, now);
                    }
                }
            }
            if held_back {
                // Other workers learn when more may begin.
                self.wakes.extend(self.next_start(want, now).map(Wake::Due));
            }
        }
        let wants = claim.wants.iter().filter(|want| want.slots > 0);
        let next_due = wants.filter_map(|want| self.next_due(want, claim.session.id(), now)).min();
        Claimed { runs, next_due }
    }

    /// How many runs of a workflow may be lent now, if the worker has so many slots.
    fn room(&self, want: &Want, slots: u32, now: Timestamp) -> u32 {
        let Some(at_once) = want.gate.at_once else { return slots };
        let lent = self.gates.through(&want.queue).filter(|id| self.is_lent(id, now)).count();
        slots.min(at_once.saturating_sub(u32::try_from(lent).unwrap_or(u32::MAX)))
    }

    /// Whether a run's lease lasts.
    fn is_lent(&self, id: &RunId, now: Timestamp) -> bool {
        self.runs[id].row.is_running(now)
    }

    /// How many other runs of a run's key came through a gate and are lent; none if it has no key.
    fn others_through(&self, id: &RunId, now: Timestamp) -> u32 {
        let group = group(&self.runs[id].row);
        if group.1.is_none() {
            return 0;
        }
        let others = self.gates.through_of(&group).filter(|other| *other != id && self.is_lent(other, now));
        u32::try_from(others.count()).unwrap_or(u32::MAX)
    }

    /// Whether there is a place left for a run of its key.
    fn may_pass(&self, id: &RunId, gate: Gate, now: Timestamp) -> bool {
        let has_key = self.runs[id].row.lane.key.is_some();
        !has_key || gate.per_key.is_none_or(|limit| self.others_through(id, now) < limit)
    }

    /// Whether a run is counted that comes through this gate.
    fn is_gated(&self, id: &RunId, gate: Gate) -> bool {
        gate.at_once.is_some() || gate.per_key.is_some() && self.runs[id].row.lane.key.is_some()
    }

    /// Has the next one of a key follow, after a run was lent that left it a place.
    fn follow_through(&mut self, id: &RunId, gate: Gate, now: Timestamp) {
        let has_place = gate.per_key.is_none_or(|limit| self.others_through(id, now) + 1 < limit);
        let group = group(&self.runs[id].row);
        if group.1.is_some() && has_place {
            self.let_through(&group, now);
        }
    }

    /// How many runs of a workflow may begin now.
    fn starts(&self, want: &Want, now: Timestamp) -> u32 {
        let Some(rate) = want.gate.rate else { return u32::MAX };
        let counted = self.gates.begun(&want.queue).take_while(|begun| *begun > rate.since(now)).count();
        rate.starts.get().saturating_sub(u32::try_from(counted).unwrap_or(u32::MAX))
    }

    /// Leaves a run out of what claims look at until more of its workflow may begin. It leaves its turn to the next of its key that has
    /// begun, and to one of each other version; the others follow when it has had its turn.
    fn hold_back(&mut self, id: &RunId, now: Timestamp) {
        self.edit(id, now, |run, _| run.hold_back());
        let row = &self.runs[id].row;
        let (group, version) = (group(row), row.head.version);
        if group.1.is_some() {
            let may_come =
                |next: &RunId| self.runs[next].row.head.version != version || !self.runs[next].is_new();
            for id in self.gates.first(&group, may_come) {
                self.unblock(&id, now);
            }
        }
    }

    /// Up to `limit` runs that are due. Those are among them that were held back and of which so many may begin now.
    fn next_runs(&mut self, want: &Want, limit: u32, starts: u32, now: Timestamp) -> Vec<RunId> {
        self.let_begin(want, limit.min(starts), now);
        self.due_runs(want, limit, now)
    }

    /// Makes so many of those due that were held back.
    fn let_begin(&mut self, want: &Want, most: u32, now: Timestamp) {
        for id in self.gates.next(&want.queue, want.version, most) {
            self.unblock(&id, now);
        }
    }

    /// When the next run may begin of those that were held back.
    fn next_start(&self, want: &Want, now: Timestamp) -> Option<Timestamp> {
        self.gates.next(&want.queue, want.version, 1).first()?;
        let Some(Rate { starts, per }) = want.gate.rate else { return Some(now) };
        // The last one that makes them as many as there may be: when its time is over there is one less.
        let last = self.gates.begun(&want.queue).nth(starts.get() as usize - 1);
        Some(last.map_or(now, |last| last.saturating_add(per).max(now)))
    }

    /// Makes the runs of sessions that are over due at once.
    fn free_dead_sessions(&mut self, now: Timestamp) {
        let dead: BTreeSet<_> =
            self.sessions.values().filter(|s| s.is_over()).map(SessionWatch::id).collect();
        if dead.is_empty() {
            return;
        }
        self.sessions.retain(|id, _| !dead.contains(id));
        let theirs =
            |run: &&Run| matches!(run.row.due, Due::Leased { session, .. } if dead.contains(&session));
        // In the order of their names, so that a test that is run from a seed sees them come in the same one each time.
        let orphans: BTreeSet<RunId> =
            self.runs.values().filter(theirs).map(|run| run.row.id.clone()).collect();
        for id in orphans {
            self.edit(&id, now, |run, _| run.row.due = Due::At(now));
        }
    }

    /// The runs of a workflow of the versions that a worker understands, with their priorities.
    fn wanted<'a>(&'a self, want: &Want) -> impl Iterator<Item = (Reverse<i8>, &'a DueRuns)> + use<'a> {
        let last = (want.version, Reverse(i8::MIN));
        let levels = self.due.get(&want.queue).into_iter().flat_map(move |levels| levels.range(..=last));
        levels.map(|((_, priority), runs)| (*priority, runs))
    }

    /// Up to `limit` runs that are due, those of the highest priority first, and of those the ones that were due first.
    fn due_runs(&self, want: &Want, limit: u32, now: Timestamp) -> Vec<RunId> {
        let limit = limit as usize;
        let at_level = |(priority, runs): (Reverse<i8>, &'_ DueRuns)| -> Vec<_> {
            let due = runs.iter().take_while(|(due, _)| *due <= now).take(limit);
            due.map(|(due, id)| (priority, *due, id.clone())).collect()
        };
        let mut found: Vec<_> = self.wanted(want).flat_map(at_level).collect();
        found.sort();
        found.truncate(limit);
        found.into_iter().map(|(.., id)| id).collect()
    }

    /// When the next run is due that `asking` does not hold itself.
    ///
    /// Where no more may be lent, that is when a lease ends.
    fn next_due(&self, want: &Want, asking: SessionId, now: Timestamp) -> Option<Timestamp> {
        if self.room(want, 1, now) == 0 {
            let ends = self.gates.through(&want.queue).filter_map(|id| match self.runs[id].row.due {
                Due::Leased { session, until } if session != asking && until > now => Some(until),
                Due::Leased { .. } | Due::At(_) | Due::Blocked { .. } | Due::Never => None,
            });
            return ends.min();
        }
        let own =
            |id: &RunId| matches!(self.runs[id].row.due, Due::Leased { session, .. } if session == asking);
        let first = |(_, runs): (_, &DueRuns)| runs.iter().find(|(_, id)| !own(id)).map(|(due, _)| *due);
        self.wanted(want).filter_map(first).chain(self.next_start(want, now)).min()
    }

    pub(super) fn lend(
        &mut self,
        id: &RunId,
        session: &Session,
        until: Timestamp,
        gated: bool,
        now: Timestamp,
    ) -> Option<Lease> {
        self.sessions.entry(session.id()).or_insert_with(|| session.watch());
        let token = (self.tokens)();
        self.edit(id, now, |run, _| run.lend(session, token, until, gated))
    }

    /// Makes the next runs of a key due.
    pub(super) fn let_through(&mut self, group: &Group, now: Timestamp) {
        for id in self.gates.first(group, |_| true) {
            self.unblock(&id, now);
        }
    }

    fn unblock(&mut self, id: &RunId, now: Timestamp) {
        self.edit(id, now, |run, _| {
            if let Due::Blocked { since } = run.row.due {
                run.row.due = Due::At(since);
            }
        });
    }
}
