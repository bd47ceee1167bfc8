//! What a commit must answer and change: it is stored if and only if its author holds the run, and then whole.

use super::{Answers, Oracle, Violated, known::Looked};
use crate::{
    store::{Commit, Committed, Due, Effect, Message, RunId, Store, Then},
    testing::simulate::events::{Detail, Who},
};

impl Oracle {
    /// Has transitions stored.
    pub(in crate::testing::simulate) async fn commit(
        &self,
        who: Who,
        store: &dyn Store,
        batch: Vec<Commit>,
    ) -> Answers<Committed> {
        self.count();
        let before: Vec<_> = batch.iter().map(|commit| self.look(&commit.lease.run)).collect();
        let targets: Vec<Vec<_>> = batch.iter().map(|commit| self.targets(&commit.effects)).collect();
        let answers = store.commit(batch.clone()).await?;
        for (((commit, before), targets), committed) in
            batch.iter().zip(before).zip(targets).zip(&answers.value)
        {
            let id = &commit.lease.run;
            let detail = Detail::Number(commit.lease.revision.next().0);
            self.events.tell(who, told_committed(committed, commit.then), Some(id), detail);
            let Some(before) = before else {
                self.violate(format!("a commit of `{id}`, which is not there, is {committed:?}"));
                continue;
            };
            let fate = self.fate(commit, &before);
            let is_done = fate == Fate::Applies && matches!(committed, Committed::Done { .. });
            let consumed = if is_done { &commit.consume[..] } else { &[] };
            self.expect(self.note(id, consumed));
            if is_done && let Some(run) = self.book().runs.get_mut(id) {
                run.author = Some(who);
            }
            for effect in &commit.effects {
                self.expect(self.note(target(effect), &[]));
            }
            self.expect(self.check_commit(commit, fate, &before, committed));
            if fate == Fate::Lost && targets != self.targets(&commit.effects) {
                self.violate(format!("the effects of a commit of `{id}` are applied, and it was lost"));
            }
        }
        Ok(answers)
    }

    /// What a commit must come to.
    fn fate(&self, commit: &Commit, before: &Looked) -> Fate {
        let row = &before.record.row;
        if !self.holds(&commit.lease) {
            Fate::Lost
        } else if row.revision == commit.lease.revision.next() {
            Fate::WasApplied
        } else if row.revision == commit.lease.revision && matches!(row.due, Due::Leased { .. }) {
            Fate::Applies
        } else {
            Fate::Lost
        }
    }

    fn check_commit(
        &self,
        commit: &Commit,
        fate: Fate,
        before: &Looked,
        committed: &Committed,
    ) -> Result<(), Violated> {
        let id = &commit.lease.run;
        let holds = |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("{what} (`{id}`)")) };
        let after = self.look(id).ok_or_else(|| format!("the run `{id}` is gone"))?;
        let (was, is) = (&before.record.row, &after.record.row);
        match (fate, committed) {
            (Fate::Lost, Committed::Lost) => {
                holds(was.revision == is.revision && was.head == is.head, "a lost commit leaves a trace")
            }
            (Fate::Lost, _) => holds(false, "a commit passes the fence whose author has lost the run"),
            (_, Committed::Lost | Committed::Rejected(_)) => holds(false, "the holder's commit is lost"),
            (Fate::Applies | Fate::WasApplied, Committed::Done { revision, .. }) => {
                holds(*revision == is.revision, "a commit is answered with another revision than the run's")?;
                holds(is.revision == commit.lease.revision.next(), "a commit is done that is not stored")?;
                holds(is.head == commit.head, "a commit is done, and another one is stored")?;
                if fate == Fate::WasApplied {
                    return holds(before.newest == after.newest, "a commit sent again is applied again");
                }
                let entries = after.newest - before.newest;
                holds(
                    entries == commit.entries.len() as u64,
                    "a commit's entries are not those of the history",
                )?;
                // What comes to a run that has ended is of no use to it.
                let seen = is.inbox_read <= was.inbox_read.max(commit.seen) || commit.then == Then::End;
                holds(seen, "messages count as seen that were not")?;
                self.check_effects(commit, &after)
            }
        }
    }

    /// Checks that what leaves a run by a commit that was applied is done or owed.
    fn check_effects(&self, commit: &Commit, after: &Looked) -> Result<(), Violated> {
        for effect in &commit.effects {
            let is_done = match effect {
                Effect::Start(new) => self.look(&new.id).is_some_and(|run| run.record.row.uid == new.uid),
                Effect::Deliver(message) => self.is_delivered(message),
            };
            let same = |owed: &Effect| match (owed, effect) {
                (Effect::Start(owed), Effect::Start(new)) => owed.uid == new.uid,
                (Effect::Deliver(owed), Effect::Deliver(message)) => owed == message,
                (Effect::Start(_), Effect::Deliver(_)) | (Effect::Deliver(_), Effect::Start(_)) => false,
            };
            if !is_done && !after.record.owed.iter().any(|owed| same(&owed.effect)) {
                let (id, to) = (&commit.lease.run, target(effect));
                return Err(format!("an effect of `{id}` on `{to}` is neither done nor owed"));
            }
        }
        Ok(())
    }

    /// Whether a message has come to its run, or has nobody to come to.
    fn is_delivered(&self, message: &Message) -> bool {
        let Some(run) = self.look(&message.to) else { return true };
        let row = &run.record.row;
        let is_over = row.head.status.is_ended() || message.uid.is_some_and(|uid| uid != row.uid);
        let has = |key: &String| self.book().runs.get(&message.to).is_some_and(|run| run.has_taken(key));
        is_over || message.key.as_ref().is_none_or(has)
    }

    /// How those stand whom effects concern.
    fn targets(&self, effects: &[Effect]) -> Vec<Option<u64>> {
        effects
            .iter()
            .map(|effect| self.look(target(effect)).map(|run| run.record.row.inbox_last.0))
            .collect()
    }
}

/// What a commit must come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Applies,
    /// It is stored already.
    WasApplied,
    Lost,
}

/// Whom an effect concerns.
fn target(effect: &Effect) -> &RunId {
    match effect {
        Effect::Start(new) => &new.id,
        Effect::Deliver(message) => &message.to,
    }
}

fn told_committed(committed: &Committed, then: Then) -> &'static str {
    match (committed, then) {
        (Committed::Done { .. }, Then::Go) => "stores",
        (Committed::Done { .. }, Then::Rest { .. }) => "stores, and lets rest",
        (Committed::Done { .. }, Then::End) => "stores the end of",
        (Committed::Lost, _) => "loses a commit of",
        (Committed::Rejected(_), _) => "is refused a commit of",
    }
}
