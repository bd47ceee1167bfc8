//! What the other operations must answer and change, as it follows from how the runs stood before.

use std::time::Duration;

use super::{Answers, Oracle, Violated, known::Looked};
use crate::{
    store::{
        Claim, Claimed, Created, Delivered, Due, Lease, Message, NewRun, Renewed, RunId, Stamped, Start,
        Store, StoreError,
    },
    testing::simulate::events::{Detail, Who},
};

impl Oracle {
    /// Has runs created.
    pub(in crate::testing::simulate) async fn create(
        &self,
        who: Who,
        store: &dyn Store,
        batch: Vec<NewRun>,
    ) -> Answers<Created> {
        self.count();
        let before: Vec<_> = batch.iter().map(|new| self.look(&new.id)).collect();
        let answers = store.create(batch.clone()).await?;
        for ((new, before), created) in batch.iter().zip(before).zip(&answers.value) {
            self.events.tell(who, told_created(created), Some(&new.id), Detail::Nothing);
            if let Created::New { lease: Some(lease) } = created {
                self.expect(self.lent(lease));
            }
            self.expect(self.note(&new.id, &[]));
            self.expect(self.check_created(new, before.as_ref(), created));
        }
        Ok(answers)
    }

    fn check_created(
        &self,
        new: &NewRun,
        before: Option<&Looked>,
        created: &Created,
    ) -> Result<(), Violated> {
        let id = &new.id;
        let taken = before.is_some_and(|before| before.record.row.uid != new.uid);
        match (taken, created) {
            (true, Created::Exists { uid, .. }) if before.is_some_and(|run| run.record.row.uid == *uid) => {
                Ok(())
            }
            (false, Created::New { .. }) => match self.look(id) {
                Some(run) if run.record.row.uid == new.uid => Ok(()),
                Some(_) | None => Err(format!("the run `{id}` was created, and is not there")),
            },
            _ => Err(format!("the store answers the creation of `{id}` with {created:?}")),
        }
    }

    /// Has runs claimed.
    pub(in crate::testing::simulate) async fn claim(
        &self,
        who: Who,
        store: &dyn Store,
        claim: Claim,
    ) -> Result<Stamped<Claimed>, StoreError> {
        self.count();
        self.book().sessions.insert(claim.session.id(), claim.session.watch());
        let known: Vec<RunId> = self.book().runs.keys().cloned().collect();
        let held: Vec<RunId> = known.into_iter().filter(|id| self.is_held(id)).collect();
        let answer = store.claim(claim).await?;
        for (lease, record) in &answer.value.runs {
            let revision = Detail::Number(record.row.revision.0);
            self.events.tell(who, "claims, at revision", Some(&lease.run), revision);
            if held.contains(&lease.run) {
                self.violate(format!("the run `{}` is claimed while another worker holds it", lease.run));
            }
            self.expect(self.lent(lease));
            self.expect(self.note(&lease.run, &[]));
        }
        Ok(answer)
    }

    /// Whether a run is in the hands of a worker that lives, and the lease has not ended.
    fn is_held(&self, id: &RunId) -> bool {
        let Some(run) = self.look(id) else { return false };
        let Due::Leased { session, until } = run.record.row.due else { return false };
        let lives = |session| !self.book().sessions.get(&session).is_some_and(super::SessionWatch::is_over);
        until > self.clock.now() && lives(session)
    }

    /// Notes under which token a run is lent now.
    fn lent(&self, lease: &Lease) -> Result<(), Violated> {
        let Some(now) = self.look(&lease.run) else {
            return Err(format!("the run `{}` is lent, and is not there", lease.run));
        };
        let mut book = self.book();
        let known = book.runs.entry(lease.run.clone()).or_insert_with(|| super::Known::of(&now.record));
        // The answer to a creation that is sent again names the same lease again.
        let is_again = known.token == Some(lease.token) && lease.revision.0 == 0;
        if !known.tokens.insert(lease.token.as_u128()) && !is_again {
            return Err(format!("the run `{}` is lent twice under one token", lease.run));
        }
        known.token = Some(lease.token);
        Ok(())
    }

    /// Has leases renewed or given back.
    pub(in crate::testing::simulate) async fn renew(
        &self,
        who: Who,
        store: &dyn Store,
        leases: Vec<Lease>,
        keep: Duration,
    ) -> Answers<Renewed> {
        self.count();
        let before: Vec<_> = leases.iter().map(|lease| self.look(&lease.run)).collect();
        let answers = store.renew(leases.clone(), keep).await?;
        for ((lease, before), renewed) in leases.iter().zip(before).zip(&answers.value) {
            let told = match renewed {
                Renewed::Kept { .. } => "renews",
                Renewed::Released => "gives back",
                Renewed::Lost => "has lost",
            };
            self.events.tell(who, told, Some(&lease.run), Detail::Nothing);
            let is_lent = before.is_some_and(|run| matches!(run.record.row.due, Due::Leased { .. }));
            if (is_lent && self.holds(lease)) == matches!(renewed, Renewed::Lost) {
                self.violate(format!("a lease of `{}` is {renewed:?}", lease.run));
            }
            self.expect(self.note(&lease.run, &[]));
        }
        Ok(answers)
    }

    /// Whether a lease is the last one that its run was lent under.
    pub(super) fn holds(&self, lease: &Lease) -> bool {
        self.book().runs.get(&lease.run).is_some_and(|run| run.token == Some(lease.token))
    }

    /// Has messages delivered.
    pub(in crate::testing::simulate) async fn deliver(
        &self,
        who: Who,
        store: &dyn Store,
        batch: Vec<Message>,
    ) -> Answers<Delivered> {
        self.count();
        let before: Vec<_> = batch.iter().map(|message| self.look(&message.to)).collect();
        let known: Vec<_> = batch.iter().map(|message| self.has_come(message)).collect();
        let remembered: Vec<_> = batch.iter().map(|message| self.is_remembered(message)).collect();
        let answers = store.deliver(batch.clone()).await?;
        for ((((message, before), known), remembered), delivered) in
            batch.iter().zip(before).zip(known).zip(remembered).zip(&answers.value)
        {
            let kind = Detail::Text(message.kind.clone().into());
            self.events.tell(who, told_delivered(delivered), Some(&message.to), kind);
            if let (Delivered::Stored { .. }, Some(key)) = (delivered, &message.key) {
                self.book().sent.insert((message.to.clone(), key.clone()));
            }
            self.expect(self.note(&message.to, &[]));
            let row = before.filter(|run| message.uid.is_none_or(|uid| uid == run.record.row.uid));
            let is_right = match (row, delivered) {
                (None, delivered) => matches!(delivered, Delivered::NoRun),
                (Some(_), Delivered::Duplicate) => known,
                (Some(run), Delivered::Finished) => run.record.row.head.status.is_ended(),
                (Some(run), Delivered::Stored { seq }) => {
                    !remembered
                        && !run.record.row.head.status.is_ended()
                        && *seq == run.record.row.inbox_last.next()
                }
                (Some(_), Delivered::Full) => true,
                (Some(_), Delivered::NoRun | Delivered::Rejected(_)) => false,
            };
            if !is_right {
                self.violate(format!("the store answers a message to `{}` with {delivered:?}", message.to));
            }
        }
        Ok(answers)
    }

    /// Whether a message of this key has come before.
    fn has_come(&self, message: &Message) -> bool {
        let has = |key: &String| self.book().runs.get(&message.to).is_some_and(|run| run.has_taken(key));
        message.key.as_ref().is_some_and(has)
    }

    /// Whether a message of this key must not come again.
    fn is_remembered(&self, message: &Message) -> bool {
        let (book, now) = (self.book(), self.clock.now());
        let Some(key) = &message.key else { return false };
        match book.runs.get(&message.to) {
            // What its own inbox tells of the key.
            Some(run) if run.has_taken(key) => run.remembers(key, now),
            Some(_) => book.sent.contains(&(message.to.clone(), key.clone())),
            None => false,
        }
    }

    pub(super) fn count(&self) {
        self.book().operations += 1;
    }
}

fn told_created(created: &Created) -> &'static str {
    match created {
        Created::New { lease: Some(_) } => "creates and holds",
        Created::New { lease: None } => "creates",
        Created::Exists { .. } => "finds",
        Created::Rejected(_) => "can't create",
    }
}

fn told_delivered(delivered: &Delivered) -> &'static str {
    match delivered {
        Delivered::Stored { .. } => "delivers to",
        Delivered::Duplicate => "delivers once more to",
        Delivered::Full => "finds full the inbox of",
        Delivered::Finished => "delivers too late to",
        Delivered::NoRun => "delivers to nobody,",
        Delivered::Rejected(_) => "can't deliver to",
    }
}

impl Start {
    /// Whether the creation of a run may be sent again by others than its author.
    pub(in crate::testing::simulate) fn is_anybodys(&self) -> bool {
        !matches!(self, Self::Lent { .. })
    }
}
