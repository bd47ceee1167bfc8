//! One run in memory: what each operation does to its record.

use std::collections::{BTreeMap, HashMap, VecDeque};

use bytes::Bytes;

use crate::{
    store::{
        AttrOp, AttrValue, Attribute, Commit, Delivered, Depth, Due, EffectId, Entry, EntryId, Lease, Limits,
        Message, NewRun, Owed, Part, PartOp, Received, Record, Renewed, Row, Seq, Session, Then, Token,
    },
    time::Timestamp,
};

/// What is remembered of a sender's key.
#[derive(Debug)]
enum Key {
    /// Its message waits in the inbox.
    Waiting,
    /// Its message was consumed; the key is remembered until this time.
    Consumed(Timestamp),
}

/// Whether a commit may be applied.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fence {
    /// Token and revision match.
    Open,
    /// It was applied before: the token matches, and the revision is one higher.
    Passed,
    /// Another claim has come in between.
    Shut,
}

/// A run's whole record.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) row: Row,
    /// The token of the last claim. It stays when the lease is given back, so that a commit that was applied is known
    /// when it is sent again.
    pub(super) token: Option<Token>,
    /// Whether it was last lent through a gate.
    pub(super) gated: bool,
    /// When it was first lent, if that was under a rate.
    pub(super) begun: Option<Timestamp>,
    /// Whether the last commit says that it has not begun.
    unbegun: bool,
    /// Whether it is blocked until more may begin, and not by others of its key.
    pub(super) held_back: bool,
    state: Bytes,
    parts: BTreeMap<String, Bytes>,
    attributes: BTreeMap<String, AttrValue>,
    inbox: BTreeMap<Seq, Received>,
    inbox_bytes: u64,
    keys: HashMap<String, Key>,
    pub(super) owed: Vec<Owed>,
    entries: VecDeque<Entry>,
    last_entry: u64,
}

impl Run {
    /// The record of a new run, with its first due time.
    pub(super) fn new(new: NewRun, due: Timestamp, limits: &Limits, now: Timestamp) -> Self {
        let mut run = Self {
            row: Row::newborn(&new, Due::At(due), now),
            token: None,
            gated: false,
            begun: None,
            unbegun: false,
            held_back: false,
            state: new.state,
            parts: new.parts.into_iter().map(|part| (part.name, part.body)).collect(),
            attributes: new
                .attributes
                .into_iter()
                .map(|attribute| (attribute.name, attribute.value))
                .collect(),
            inbox: BTreeMap::new(),
            inbox_bytes: 0,
            keys: HashMap::new(),
            owed: Vec::new(),
            entries: VecDeque::new(),
            last_entry: 0,
        };
        run.write_entries(new.entries, limits, now);
        run
    }

    /// Hands the run to `session` under a new token.
    pub(super) fn lend(&mut self, session: &Session, token: Token, until: Timestamp, gated: bool) -> Lease {
        self.token = Some(token);
        self.gated = gated;
        self.unbegun = false;
        self.row.due = Due::Leased { session: session.id(), until };
        self.row.claims = self.row.claims.saturating_add(1);
        Lease { run: self.row.id.clone(), token, revision: self.row.revision, until }
    }

    /// Leaves it out of what claims look at, until others of its key are given back.
    pub(super) fn block(&mut self) {
        self.held_back = false;
        self.wait();
    }

    /// Leaves it out of what claims look at, until more of its workflow may begin.
    pub(super) fn hold_back(&mut self) {
        self.held_back = true;
        self.wait();
    }

    /// Whether it has not begun, as far as a rate is concerned.
    pub(super) fn is_new(&self) -> bool {
        self.unbegun || self.row.revision.0 == 0 && self.begun.is_none()
    }

    fn wait(&mut self) {
        if let Due::At(since) | Due::Leased { until: since, .. } = self.row.due {
            self.row.due = Due::Blocked { since };
        }
    }

    /// Extends the lease, or gives it back if `until` is not after `now`.
    pub(super) fn renew(&mut self, token: Token, until: Timestamp, now: Timestamp) -> Renewed {
        let Due::Leased { session, .. } = self.row.due else { return Renewed::Lost };
        if self.token != Some(token) {
            return Renewed::Lost;
        }
        if until <= now {
            self.row.due = Due::At(now);
            self.row.claims = self.row.claims.saturating_sub(1);
            return Renewed::Released;
        }
        self.row.due = Due::Leased { session, until };
        Renewed::Kept { until, messages: self.row.inbox_last > self.row.inbox_read }
    }

    /// Compares a commit's fence with the record.
    pub(super) fn fence(&self, lease: &Lease) -> Fence {
        if self.token != Some(lease.token) {
            return Fence::Shut;
        }
        if self.row.revision == lease.revision.next() {
            return Fence::Passed;
        }
        // A lease that was given back opens nothing, though its token is still here.
        let leased = matches!(self.row.due, Due::Leased { .. });
        if leased && self.row.revision == lease.revision { Fence::Open } else { Fence::Shut }
    }

    /// Applies a commit that has passed the fence, all but its effects; `owed` are those that are left to the holder.
    pub(super) fn commit(&mut self, commit: Commit, owed: Vec<Owed>, limits: &Limits, now: Timestamp) {
        self.row.revision = self.row.revision.next();
        self.row.claims = 0;
        self.row.updated = now;
        self.row.head = commit.head;
        if commit.unbegun {
            (self.begun, self.unbegun) = (None, true);
        }
        self.row.inbox_read = self.row.inbox_read.max(commit.seen.min(self.row.inbox_last));
        if let Some(state) = commit.state {
            self.state = state;
        }
        for op in commit.parts {
            match op {
                PartOp::Put(Part { name, body }) => self.parts.insert(name, body),
                PartOp::Delete { name } => self.parts.remove(&name),
            };
        }
        for op in commit.attributes {
            match op {
                AttrOp::Set { name, value } => self.attributes.insert(name, value),
                AttrOp::Remove { name } => self.attributes.remove(&name),
            };
        }
        for seq in commit.consume {
            self.consume(seq, limits, now);
        }
        self.keys.retain(|_, key| !matches!(key, Key::Consumed(until) if *until <= now));
        self.write_entries(commit.entries, limits, now);
        self.owed.retain(|owed| !commit.settled.contains(&owed.id));
        self.owed.extend(owed);
        match commit.then {
            Then::Go => {}
            Then::Rest { due } => self.rest(due, commit.seen, now),
            Then::End => {
                self.row.ended.get_or_insert(now);
                for seq in self.inbox.keys().copied().collect::<Vec<_>>() {
                    self.drop_message(seq);
                }
                self.row.inbox_read = self.row.inbox_last;
                self.rest(None, self.row.inbox_last, now);
            }
        }
    }

    /// Gives the lease back. What the run was not told yet, or still owes, makes it due at once.
    fn rest(&mut self, due: Option<Timestamp>, seen: Seq, now: Timestamp) {
        let at_once = self.row.inbox_last > seen || !self.owed.is_empty();
        self.row.due = match due {
            _ if at_once => Due::At(now),
            Some(due) => Due::At(due),
            None => Due::Never,
        };
    }

    /// Removes a message from the inbox and remembers its key for a while.
    fn consume(&mut self, seq: Seq, limits: &Limits, now: Timestamp) {
        if let Some(key) = self.drop_message(seq) {
            self.keys.insert(key, Key::Consumed(now.saturating_add(limits.key_memory)));
        }
    }

    /// Removes a message and its key from the inbox; returns the key.
    fn drop_message(&mut self, seq: Seq) -> Option<String> {
        let message = self.inbox.remove(&seq)?;
        self.inbox_bytes -= message.body.len() as u64;
        let key = message.key?;
        self.keys.remove(&key);
        Some(key)
    }

    /// Appends a message and rings. `limits` is `None` for the effect of a commit.
    pub(super) fn deliver(&mut self, message: Message, limits: Option<&Limits>, now: Timestamp) -> Delivered {
        if let Some(key) = &message.key {
            match self.keys.get(key) {
                Some(Key::Waiting) => return Delivered::Duplicate,
                Some(Key::Consumed(until)) if *until > now => return Delivered::Duplicate,
                Some(Key::Consumed(_)) | None => {}
            }
        }
        if self.row.head.status.is_ended() {
            return Delivered::Finished;
        }
        let bytes = message.body.len() as u64;
        if let Some(limits) = limits
            && (self.inbox.len() as u64 >= limits.inbox_messages
                || self.inbox_bytes + bytes > limits.inbox_bytes)
        {
            return Delivered::Full;
        }
        let seq = self.row.inbox_last.next();
        self.row.inbox_last = seq;
        self.inbox_bytes += bytes;
        if let Some(key) = &message.key {
            self.keys.insert(key.clone(), Key::Waiting);
        }
        let Message { key, kind, body, .. } = message;
        self.inbox.insert(seq, Received { seq, key, kind, body, at: now });
        match self.row.due {
            Due::Leased { .. } => {}
            Due::At(due) => self.row.due = Due::At(due.min(now)),
            Due::Blocked { since } => self.row.due = Due::At(since),
            Due::Never => self.row.due = Due::At(now),
        }
        Delivered::Stored { seq }
    }

    fn write_entries(&mut self, bodies: Vec<Bytes>, limits: &Limits, now: Timestamp) {
        for body in bodies {
            self.last_entry += 1;
            let id = EntryId(self.last_entry);
            self.entries.push_back(Entry { id, revision: self.row.revision, at: now, body });
        }
        while self.entries.len() as u64 > limits.history_entries {
            self.entries.pop_front();
        }
    }

    /// The names under which a commit's effects would be owed.
    pub(super) fn effect_ids(&self) -> impl Iterator<Item = EffectId> + use<> {
        let revision = self.row.revision.next();
        (0..).map(move |index| EffectId { revision, index })
    }

    /// A copy of the record down to this depth.
    pub(super) fn record(&self, depth: Depth) -> Record {
        let row = self.row.clone();
        let mut record = Record {
            row,
            state: Bytes::new(),
            parts: vec![],
            attributes: vec![],
            inbox: vec![],
            owed: vec![],
        };
        if depth.has_state(self.row.ended.is_some()) {
            record.state = self.state.clone();
            let parts = self.parts.iter().map(|(name, body)| Part { name: name.clone(), body: body.clone() });
            record.parts = parts.collect();
        }
        if depth.has_attributes() {
            record.attributes = self.attributes();
        }
        if depth.has_inbox() {
            record.inbox = self.inbox.values().cloned().collect();
        }
        if depth.has_owed() {
            record.owed.clone_from(&self.owed);
        }
        record
    }

    /// The newest entries first, from `before` on back.
    pub(super) fn history(&self, before: Option<EntryId>, limit: u32) -> Vec<Entry> {
        let older = self.entries.iter().rev().filter(|entry| before.is_none_or(|before| entry.id < before));
        older.take(limit as usize).cloned().collect()
    }

    /// What it can be found by.
    pub(super) fn attributes(&self) -> Vec<Attribute> {
        let attribute =
            |(name, value): (&String, &AttrValue)| Attribute { name: name.clone(), value: value.clone() };
        self.attributes.iter().map(attribute).collect()
    }

    /// Whether it has an attribute of this name and value.
    pub(super) fn has_attribute(&self, name: &str, value: &AttrValue) -> bool {
        self.attributes.get(name) == Some(value)
    }
}
