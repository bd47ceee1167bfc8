//! What the oracle knows of one run, and what must hold from one look at it to the next.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Violated;
use crate::{
    core::{Life, Run, Stage},
    snapshot::parts::split,
    store::{Due, Limits, Record, Revision, RunId, Seq, Status, Token, Uid},
    testing::simulate::events::Who,
    time::Timestamp,
};

/// A run as it is stored.
pub(super) struct Looked {
    pub(super) record: Record,
    /// The newest entry of its history.
    pub(super) newest: u64,
}

/// What is known of a run since the last look at it.
pub(super) struct Known {
    uid: Uid,
    revision: Option<Revision>,
    newest: u64,
    inbox_last: Seq,
    inbox_read: Seq,
    pub(super) status: Status,
    /// What is in its inbox.
    waiting: BTreeSet<Seq>,
    /// The keys of all messages that it ever got, and when they were used up.
    taken: BTreeMap<String, Option<Timestamp>>,
    /// The keys of what is in its inbox.
    keys: BTreeMap<Seq, String>,
    /// What it is at: keys and attempts.
    pub(super) calls: Vec<(String, u32)>,
    /// What it was at before its last commit.
    pub(super) calls_before: Vec<(String, u32)>,
    /// Who made that.
    pub(super) author: Option<Who>,
    /// The keys that its calls have had, by where they were made.
    places: BTreeMap<(Revision, String), String>,
    /// Its undo stack, the bottom first.
    undo: Vec<Bytes>,
    /// The token that it was last lent under.
    pub(super) token: Option<Token>,
    /// All tokens that it was lent under.
    pub(super) tokens: BTreeSet<u128>,
}

impl Known {
    /// Nothing but its name.
    pub(super) fn of(record: &Record) -> Self {
        Self {
            uid: record.row.uid,
            revision: None,
            newest: 0,
            inbox_last: Seq(0),
            inbox_read: Seq(0),
            status: record.row.head.status,
            waiting: BTreeSet::new(),
            taken: BTreeMap::new(),
            keys: BTreeMap::new(),
            calls: Vec::new(),
            calls_before: Vec::new(),
            author: None,
            places: BTreeMap::new(),
            undo: Vec::new(),
            token: None,
            tokens: BTreeSet::new(),
        }
    }

    /// Whether it has, or had, a message of this key.
    pub(super) fn has_taken(&self, key: &str) -> bool {
        self.taken.contains_key(key)
    }

    /// Whether a second message of this key must be told from the first.
    pub(super) fn remembers(&self, key: &str, now: Timestamp) -> bool {
        // Less than it is at most, since the clock is set now and then.
        let memory = Limits::default().key_memory / 2;
        match self.taken.get(key) {
            None => false,
            Some(None) => true,
            Some(Some(used)) => now < used.saturating_add(memory),
        }
    }

    /// Follows the run to where it stands now.
    pub(super) fn follow(
        &mut self,
        id: &RunId,
        now: &Looked,
        consumed: &[Seq],
        shown: Timestamp,
        latest: Timestamp,
    ) -> Result<(), Violated> {
        let Looked { record, newest } = now;
        let row = &record.row;
        let moved = self.revision != Some(row.revision);
        let holds =
            |holds: bool, what: &str| if holds { Ok(()) } else { Err(format!("the run `{id}` {what}")) };
        holds(row.uid == self.uid, "has another uid than before")?;
        holds(self.revision.is_none_or(|before| before <= row.revision), "is back at an earlier revision")?;
        holds(self.newest <= *newest, "has lost entries of its history")?;
        holds(self.inbox_last <= row.inbox_last, "has lost places of its inbox")?;
        holds(self.inbox_read <= row.inbox_read, "has seen less of its inbox than before")?;
        holds(!self.status.is_ended() || self.status == row.head.status, "had ended, and does not stay so")?;
        self.follow_inbox(id, record, consumed, shown)?;
        check_rest(id, record, latest)?;
        self.revision = Some(row.revision);
        (self.newest, self.status) = (*newest, row.head.status);
        (self.inbox_last, self.inbox_read) = (row.inbox_last, row.inbox_read);
        if moved { self.follow_calls(id, record) } else { Ok(()) }
    }

    /// Follows what is in its inbox: messages come once, and go only as they are used up.
    fn follow_inbox(
        &mut self,
        id: &RunId,
        record: &Record,
        consumed: &[Seq],
        shown: Timestamp,
    ) -> Result<(), Violated> {
        for seq in consumed {
            if !self.waiting.contains(seq) {
                return Err(format!("the run `{id}` uses up the message {} that is not in its inbox", seq.0));
            }
        }
        let there: BTreeSet<Seq> = record.inbox.iter().map(|message| message.seq).collect();
        for gone in self.waiting.difference(&there) {
            if !consumed.contains(gone) && !record.row.head.status.is_ended() {
                return Err(format!("the message {} to `{id}` is gone and was not used up", gone.0));
            }
            if let Some(key) = self.keys.remove(gone) {
                self.taken.insert(key, Some(shown));
            }
        }
        if let Some(back) = consumed.iter().find(|seq| there.contains(seq)) {
            return Err(format!("the message {} to `{id}` was used up and is still there", back.0));
        }
        for message in record.inbox.iter().filter(|message| !self.waiting.contains(&message.seq)) {
            if message.seq <= self.inbox_last {
                return Err(format!("the message {} to `{id}` is back in the inbox", message.seq.0));
            }
            let Some(key) = &message.key else { continue };
            if self.remembers(key, shown) {
                return Err(format!("the run `{id}` gets the message with the key {key} a second time"));
            }
            self.taken.insert(key.clone(), None);
            self.keys.insert(message.seq, key.clone());
        }
        self.waiting = there;
        Ok(())
    }

    /// Follows where it stands: each call has a key of its own, and the undo stack is taken down from its top.
    fn follow_calls(&mut self, id: &RunId, record: &Record) -> Result<(), Violated> {
        let unreadable = |error| format!("what is stored of `{id}` can't be read: {error}");
        let run = Run::of_record(record).map_err(unreadable)?;
        let (_, reserved) = split(&record.parts).map_err(unreadable)?;
        self.calls_before = std::mem::take(&mut self.calls);
        for call in run.calls() {
            let place = (call.entered, call.branch.clone());
            let key = self.places.entry(place).or_insert_with(|| call.key.clone());
            if *key != call.key {
                return Err(format!(
                    "a call of `{id}` has another key than before: {} after {key}",
                    call.key
                ));
            }
            if self.calls.iter().any(|(other, _)| *other == call.key) {
                return Err(format!("two calls of `{id}` have the key {}", call.key));
            }
            self.calls.push((call.key.clone(), call.attempt));
        }
        let undo: Vec<Bytes> = reserved.undo.into_iter().map(|entry| entry.body).collect();
        let same = self.undo.iter().zip(&undo).take_while(|(before, after)| before == after).count();
        let is_over = record.row.head.status.is_ended();
        if !is_over && same < self.undo.len() && (same < undo.len() || same + 1 < self.undo.len()) {
            return Err(format!("the undo stack of `{id}` is changed below its top"));
        }
        if let Life::Ending { stage: Stage::Undo { call }, .. } = &run.life
            && call.branch != format!("u:{}", undo.len().saturating_sub(1))
        {
            return Err(format!("`{id}` undoes what is not at the top of its undo stack: {}", call.branch));
        }
        self.undo = undo;
        Ok(())
    }
}

/// Checks that a run that rests is due if it has something to do.
fn check_rest(id: &RunId, record: &Record, latest: Timestamp) -> Result<(), Violated> {
    let is_due = match record.row.due {
        // Who waits for a run of its key is made due when that is given back.
        Due::Leased { .. } | Due::Blocked { .. } => return Ok(()),
        Due::At(due) => due <= latest,
        Due::Never => false,
    };
    if record.row.inbox_last > record.row.inbox_read && !is_due {
        return Err(format!("the run `{id}` rests with messages that it has not seen, and is not due"));
    }
    if !record.owed.is_empty() && !is_due {
        return Err(format!("the run `{id}` rests owing effects, and is not due"));
    }
    Ok(())
}
