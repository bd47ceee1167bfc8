//! What always holds of a run, whatever has happened to it.

use std::collections::BTreeSet;

use super::{super::*, World};
use crate::{
    core::Stage,
    snapshot::GroupCall,
    store::{Status, Then},
    suspend::Rule,
};

impl World {
    /// Applies an event, stores what it changes and checks all that always holds.
    pub(super) fn apply(&mut self, event: Event<'_>) {
        let before = self.run.inbox.clone();
        let (run, plan) = self.run.clone().apply(event, self.now).unwrap_or_else(|error| panic!("{error}"));
        self.stored.commit(&plan);
        self.stored.check(&run);
        self.run = run;
        self.statuses.insert(plan.head.status);
        self.check_parts();
        self.check_keys();
        for new in started(&plan) {
            assert!(self.started.insert(new.id.clone()), "{} is started twice", new.id);
        }
        let consumed: BTreeSet<Seq> = plan.consume.iter().copied().collect();
        assert_eq!(consumed.len(), plan.consume.len(), "a message is used up once");
        assert!(consumed.iter().all(|seq| before.iter().any(|message| message.seq == *seq)));
        assert!(plan.head.body.len() < 900, "{}", String::from_utf8_lossy(&plan.head.body));
        self.check_then(plan.then);
    }

    /// The parts are those that the run knows, and none is left behind.
    fn check_parts(&self) {
        let known: BTreeSet<&str> = self
            .run
            .reserved
            .iter()
            .map(String::as_str)
            .chain(self.run.parts.iter().map(AsRef::as_ref))
            .collect();
        let stored: BTreeSet<&str> = self.stored.parts().collect();
        assert_eq!(known, stored);
        let of_branches =
            || stored.iter().filter(|name| ["b:", "f:", "o:"].iter().any(|kind| name.starts_with(kind)));
        match &self.run.life {
            Life::At { calls, .. } => {
                for name in of_branches() {
                    let path = path(&name[2..]);
                    let around = path.parent().expect("a branch");
                    assert!(calls.group(&around).is_some(), "`{name}` belongs to no group");
                    assert_eq!(calls.get(&path).is_some(), !name.starts_with("o:"), "{name}");
                }
            }
            Life::Ending { stage: Stage::Children(_), .. } => {}
            Life::Ending { .. } | Life::Ended { .. } => assert_eq!(of_branches().count(), 0, "{stored:?}"),
        }
        if self.statuses.contains(&Status::Completed) {
            assert!(stored.is_empty(), "{stored:?}");
        }
    }

    /// No two calls have one key, and a call keeps its own.
    fn check_keys(&mut self) {
        for call in self.run.calls() {
            let place = (call.branch.clone(), call.entered.0);
            let known = self.keys.entry(call.key.clone()).or_insert_with(|| place.clone());
            assert_eq!(*known, place, "two calls have one key");
        }
    }

    /// A run rests only if there is nothing to do, and stays in hand while something is in flight.
    fn check_then(&self, then: Then) {
        match (then, self.run.next(self.now)) {
            (Then::End, _) => assert!(self.is_over()),
            (Then::Go, Next::Act(_)) => assert!(!self.is_over()),
            (Then::Go, Next::Rest(_)) => assert!(!self.run.in_flight.is_empty()),
            (Then::Rest { due }, next) => {
                assert_eq!(next, Next::Rest(due));
                assert!(self.run.in_flight.is_empty() && due.is_none_or(|due| due > self.now));
            }
        }
        if let Life::At { calls, .. } = &self.run.life {
            for (path, call) in calls.iter() {
                if let WaitingFor::Group(GroupCall { rule: Rule::All, of, .. }) = &call.waiting_for {
                    assert!(*of == 0 || self.open(path) > 0, "a join that is over stays at `{path}`");
                }
            }
        }
    }
}
