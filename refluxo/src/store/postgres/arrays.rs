//! Items as arrays: one for each column, so that a batch is one statement however long it is.

use bytes::Bytes;
use sqlx::{Postgres, postgres::PgArguments, query::Query};

use super::rows::{int, micros};
use crate::store::{
    AttrOp, AttrValue, Attribute, Commit, Lease, Message, NewRun, Part, PartOp, RunId, Start, Then, Token,
};

/// A statement with its arguments.
pub(super) type Statement = Query<'static, Postgres, PgArguments>;

/// Binds arrays in their order.
macro_rules! bind {
    ($statement:expr, $from:expr, $($array:ident)*) => {
        $statement$(.bind(&$from.$array[..]))*
    };
}

/// Commits, ordered as they were added.
#[derive(Default)]
pub(super) struct Commits<'a> {
    id: Vec<&'a str>,
    token: Vec<[u8; 16]>,
    revision: Vec<i64>,
    status: Vec<&'a str>,
    at: Vec<&'a str>,
    version: Vec<i64>,
    head: Vec<&'a [u8]>,
    state: Vec<Option<&'a [u8]>>,
    seen: Vec<i64>,
    then: Vec<i16>,
    due: Vec<Option<i64>>,
    unbegun: Vec<bool>,
    entries: Vec<i64>,
    /// Up to where `consume` and `settled` are of this commit.
    consumed: Vec<i32>,
    settled: Vec<i32>,
    consume: Vec<i64>,
    settled_revision: Vec<i64>,
    settled_place: Vec<i64>,
}

impl<'a> Commits<'a> {
    pub(super) fn len(&self) -> usize {
        self.id.len()
    }

    pub(super) fn add(&mut self, commit: &'a Commit) {
        let Lease { run, token, revision, .. } = &commit.lease;
        self.id.push(run.as_str());
        self.token.push(token.as_u128().to_be_bytes());
        self.revision.push(int(revision.0));
        self.status.push(commit.head.status.as_str());
        self.at.push(&commit.head.at);
        self.version.push(commit.head.version.into());
        self.head.push(&commit.head.body);
        self.state.push(commit.state.as_deref());
        self.seen.push(int(commit.seen.0));
        let (then, due) = match commit.then {
            Then::Go => (0, None),
            Then::Rest { due } => (1, due),
            Then::End => (2, None),
        };
        self.then.push(then);
        self.due.push(due.map(crate::time::Timestamp::as_micros));
        self.unbegun.push(commit.unbegun);
        self.entries.push(int(commit.entries.len() as u64));
        self.consume.extend(commit.consume.iter().map(|seq| int(seq.0)));
        self.consumed.push(place(self.consume.len()));
        self.settled_revision.extend(commit.settled.iter().map(|id| int(id.revision.0)));
        self.settled_place.extend(commit.settled.iter().map(|id| i64::from(id.index)));
        self.settled.push(place(self.settled_place.len()));
    }

    pub(super) fn bind(&self, statement: Statement) -> Statement {
        bind!(statement, self, id token revision status at version head state seen then due unbegun entries consumed settled consume
            settled_revision settled_place)
    }
}

/// A run to be created, and whose effect that is.
pub(super) struct Birth<'a> {
    /// The place of the commit, or 0.
    pub(super) owner: i32,
    /// The place among the commit's effects.
    pub(super) effect_place: i64,
    /// The effect as it would be owed.
    pub(super) effect: Option<Vec<u8>>,
    pub(super) new: &'a NewRun,
}

/// New runs.
#[derive(Default)]
pub(super) struct NewRuns<'a> {
    owner: Vec<i32>,
    effect_place: Vec<i64>,
    effect: Vec<Option<Vec<u8>>>,
    id: Vec<&'a str>,
    uid: Vec<[u8; 16]>,
    root: Vec<&'a str>,
    parent: Vec<Option<&'a str>>,
    queue: Vec<&'a str>,
    input: Vec<[u8; 32]>,
    version: Vec<i64>,
    status: Vec<&'a str>,
    at: Vec<&'a str>,
    head: Vec<&'a [u8]>,
    state: Vec<&'a [u8]>,
    due: Vec<Option<i64>>,
    keep: Vec<Option<i64>>,
    token: Vec<Option<[u8; 16]>>,
    session: Vec<Option<[u8; 16]>>,
    entries: Vec<i64>,
    priority: Vec<i16>,
    limit_key: Vec<Option<&'a str>>,
}

impl<'a> NewRuns<'a> {
    pub(super) fn add(&mut self, birth: Birth<'a>) {
        let Birth { owner, effect_place, effect, new } = birth;
        self.owner.push(owner);
        self.effect_place.push(effect_place);
        self.effect.push(effect);
        self.id.push(new.id.as_str());
        self.uid.push(new.uid.as_u128().to_be_bytes());
        self.root.push(new.root.as_str());
        self.parent.push(new.parent.as_ref().map(RunId::as_str));
        self.queue.push(&new.queue);
        self.input.push(new.input.0);
        self.version.push(new.head.version.into());
        self.status.push(new.head.status.as_str());
        self.at.push(&new.head.at);
        self.head.push(&new.head.body);
        self.state.push(&new.state);
        self.entries.push(int(new.entries.len() as u64));
        self.priority.push(new.lane.priority.into());
        self.limit_key.push(new.lane.key.as_deref());
        let (due, lent) = match &new.start {
            Start::At(due) => (Some(due.as_micros()), None),
            // The answer to a commit has no place for a lease, and only a claim knows the limit of a key.
            Start::Lent { session, keep } if owner == 0 && new.lane.key.is_none() => {
                (None, Some((session, *keep)))
            }
            Start::Now | Start::Lent { .. } => (None, None),
        };
        self.due.push(due);
        self.keep.push(lent.map(|(_, keep)| micros(keep)));
        self.token.push(lent.map(|_| Token::random().as_u128().to_be_bytes()));
        self.session.push(lent.map(|(session, _)| session.id().as_u128().to_be_bytes()));
    }

    pub(super) fn bind(&self, statement: Statement) -> Statement {
        bind!(statement, self, owner effect_place effect id uid root parent queue input version status at head state due keep
            token session entries priority limit_key)
    }
}

/// Messages.
#[derive(Default)]
pub(super) struct Messages<'a> {
    owner: Vec<i32>,
    to: Vec<&'a str>,
    uid: Vec<Option<[u8; 16]>>,
    key: Vec<Option<&'a str>>,
    hash: Vec<Option<[u8; 16]>>,
    kind: Vec<&'a str>,
    body: Vec<&'a [u8]>,
}

impl<'a> Messages<'a> {
    /// Adds a message of the commit at the place `owner`, or one that is no effect: 0.
    pub(super) fn add(&mut self, owner: i32, message: &'a Message) {
        self.owner.push(owner);
        self.to.push(message.to.as_str());
        self.uid.push(message.uid.map(|uid| uid.as_u128().to_be_bytes()));
        self.key.push(message.key.as_deref());
        self.hash.push(message.key.as_deref().map(hash));
        self.kind.push(&message.kind);
        self.body.push(&message.body);
    }

    pub(super) fn bind(&self, statement: Statement) -> Statement {
        bind!(statement, self, owner to uid key hash kind body)
    }
}

/// What stands in the index for a sender's key, which may be longer than an index takes.
fn hash(key: &str) -> [u8; 16] {
    let mut short = [0; 16];
    short.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..16]);
    short
}

/// Parts, attributes and entries of commits and new runs.
#[derive(Default)]
pub(super) struct Belongings<'a> {
    part_owner: Vec<i32>,
    part_name: Vec<&'a str>,
    part_body: Vec<Option<&'a [u8]>>,
    attribute_owner: Vec<i32>,
    attribute_name: Vec<&'a str>,
    attribute_text: Vec<Option<&'a str>>,
    attribute_number: Vec<Option<i64>>,
    entry_owner: Vec<i32>,
    entry_nth: Vec<i64>,
    entry_body: Vec<&'a [u8]>,
}

impl<'a> Belongings<'a> {
    pub(super) fn add_commit(&mut self, owner: i32, commit: &'a Commit) {
        let parts = commit.parts.iter().map(|op| match op {
            PartOp::Put(Part { name, body }) => (name.as_str(), Some(&body[..])),
            PartOp::Delete { name } => (name.as_str(), None),
        });
        self.add_parts(owner, parts);
        let attributes = commit.attributes.iter().map(|op| match op {
            AttrOp::Set { name, value } => (name.as_str(), Some(value)),
            AttrOp::Remove { name } => (name.as_str(), None),
        });
        self.add_attributes(owner, attributes);
        self.add_entries(owner, &commit.entries);
    }

    pub(super) fn add_new_run(&mut self, owner: i32, new: &'a NewRun) {
        self.add_parts(owner, new.parts.iter().map(|part| (part.name.as_str(), Some(&part.body[..]))));
        let attributes = new.attributes.iter();
        self.add_attributes(owner, attributes.map(|Attribute { name, value }| (name.as_str(), Some(value))));
        self.add_entries(owner, &new.entries);
    }

    fn add_parts(&mut self, owner: i32, parts: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>) {
        for (name, body) in last_of_each(parts) {
            self.part_owner.push(owner);
            self.part_name.push(name);
            self.part_body.push(body);
        }
    }

    fn add_attributes(
        &mut self,
        owner: i32,
        attributes: impl Iterator<Item = (&'a str, Option<&'a AttrValue>)>,
    ) {
        for (name, value) in last_of_each(attributes) {
            let (text, number) = match value {
                Some(AttrValue::Text(text)) => (Some(text.as_str()), None),
                Some(AttrValue::Integer(number)) => (None, Some(*number)),
                None => (None, None),
            };
            self.attribute_owner.push(owner);
            self.attribute_name.push(name);
            self.attribute_text.push(text);
            self.attribute_number.push(number);
        }
    }

    fn add_entries(&mut self, owner: i32, entries: &'a [Bytes]) {
        for (body, nth) in entries.iter().zip(1..) {
            self.entry_owner.push(owner);
            self.entry_nth.push(nth);
            self.entry_body.push(body);
        }
    }

    pub(super) fn bind(&self, statement: Statement) -> Statement {
        bind!(statement, self, part_owner part_name part_body attribute_owner attribute_name attribute_text attribute_number
            entry_owner entry_nth entry_body)
    }
}

/// The last value for each name: PostgreSQL writes each row of a table once in a statement.
fn last_of_each<'a, T>(named: impl Iterator<Item = (&'a str, T)>) -> Vec<(&'a str, T)> {
    let mut last: Vec<(&str, T)> = Vec::new();
    for (name, value) in named {
        match last.iter_mut().find(|(known, _)| *known == name) {
            Some(known) => known.1 = value,
            None => last.push((name, value)),
        }
    }
    last
}

/// A place or a length in arrays, which PostgreSQL counts by 32 bits.
pub(super) fn place(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}
