//! What of a run is encoded and decoded: all bytes that hold what a program made.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    Codec, CodecError, Place, What,
    sealed::{seal, unseal},
};
use crate::store::{
    Commit, Effect, Entry, Head, Lease, Message, NewRun, Operation, Owed, Part, PartOp, Received, Record,
    RunId, StoreError,
};

/// Bytes that could not be encoded.
#[derive(Debug, thiserror::Error)]
#[error("{place} can't be encoded: {cause}")]
pub struct NotEncoded {
    /// Which ones.
    pub place: String,
    /// Why.
    #[source]
    pub cause: CodecError,
}

/// A codec at work for one operation.
pub(super) struct Coding<'a> {
    pub(super) codec: &'a dyn Codec,
    pub(super) store: &'a Arc<str>,
    pub(super) operation: Operation,
}

impl Coding<'_> {
    /// A new run as it is kept.
    pub(super) fn run(&self, mut run: NewRun) -> Result<NewRun, StoreError> {
        let id = &run.id;
        self.encode(id, What::Head, &mut run.head.body)?;
        self.encode(id, What::State, &mut run.state)?;
        for Part { name, body } in &mut run.parts {
            self.encode(id, What::Part(name), body)?;
        }
        run.entries.iter_mut().try_for_each(|entry| self.encode(id, What::Entry, entry))?;
        Ok(run)
    }

    /// A commit as it is kept.
    pub(super) fn commit(&self, mut commit: Commit) -> Result<Commit, StoreError> {
        let Lease { run: id, .. } = &commit.lease;
        let Head { body, .. } = &mut commit.head;
        self.encode(id, What::Head, body)?;
        if let Some(state) = &mut commit.state {
            self.encode(id, What::State, state)?;
        }
        for part in &mut commit.parts {
            match part {
                PartOp::Put(Part { name, body }) => self.encode(id, What::Part(name), body)?,
                PartOp::Delete { .. } => {}
            }
        }
        commit.entries.iter_mut().try_for_each(|entry| self.encode(id, What::Entry, entry))?;
        commit.effects =
            commit.effects.into_iter().map(|effect| self.effect(effect)).collect::<Result<_, _>>()?;
        Ok(commit)
    }

    /// A message as it is kept.
    pub(super) fn message(&self, mut message: Message) -> Result<Message, StoreError> {
        self.encode(&message.to, What::Message(&message.kind), &mut message.body)?;
        Ok(message)
    }

    fn effect(&self, effect: Effect) -> Result<Effect, StoreError> {
        Ok(match effect {
            Effect::Start(run) => Effect::Start(Box::new(self.run(*run)?)),
            Effect::Deliver(message) => Effect::Deliver(self.message(message)?),
        })
    }

    /// Encodes bytes. What is sealed is kept as it was.
    fn encode(&self, run: &RunId, what: What<'_>, bytes: &mut Bytes) -> Result<(), StoreError> {
        let place = Place::new(run, what);
        *bytes = match unseal(bytes) {
            Some(coded) => coded,
            None => self.codec.encode(&place, std::mem::take(bytes)).map_err(|cause| {
                StoreError::fatal(self.store, self.operation, NotEncoded { place: place.to_string(), cause })
            })?,
        };
        Ok(())
    }
}

/// Makes a record readable.
pub(super) fn open_record(codec: &dyn Codec, record: &mut Record) {
    let Record { row, state, parts, attributes: _, inbox, owed } = record;
    let id = &row.id;
    open_body(codec, id, What::Head, &mut row.head.body);
    open_body(codec, id, What::State, state);
    for Part { name, body } in parts {
        open(codec, id, What::Part(name), body);
    }
    for Received { kind, body, .. } in inbox {
        open(codec, id, What::Message(kind), body);
    }
    open_owed(codec, owed);
}

/// Makes the effects readable that a run owes.
pub(super) fn open_owed(codec: &dyn Codec, owed: &mut [Owed]) {
    for Owed { effect, .. } in owed {
        match effect {
            Effect::Start(run) => open_run(codec, run),
            Effect::Deliver(Message { to, kind, body, .. }) => open(codec, to, What::Message(kind), body),
        }
    }
}

fn open_run(codec: &dyn Codec, run: &mut NewRun) {
    let id = &run.id;
    open(codec, id, What::Head, &mut run.head.body);
    open(codec, id, What::State, &mut run.state);
    for Part { name, body } in &mut run.parts {
        open(codec, id, What::Part(name), body);
    }
    run.entries.iter_mut().for_each(|entry| open(codec, id, What::Entry, entry));
}

/// Makes the entries of a run's history readable.
pub(super) fn open_entries(codec: &dyn Codec, run: &RunId, entries: &mut [Entry]) {
    for Entry { body, .. } in entries {
        open(codec, run, What::Entry, body);
    }
}

/// Makes a head or a state readable, if it was read: a store gives nothing for what was not asked for.
pub(super) fn open_body(codec: &dyn Codec, run: &RunId, what: What<'_>, body: &mut Bytes) {
    if !body.is_empty() {
        open(codec, run, what, body);
    }
}

/// Decodes bytes, or seals them.
fn open(codec: &dyn Codec, run: &RunId, what: What<'_>, bytes: &mut Bytes) {
    let place = Place::new(run, what);
    let opened = codec.decode(&place, bytes.clone());
    *bytes = opened.unwrap_or_else(|cause| seal(run, place.to_string(), cause, bytes));
}
