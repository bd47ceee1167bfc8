//! What an event changes, while it is put together.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use bytes::Bytes;

use super::{
    Calls, Impossible, Plan, Run,
    key::CallPlace,
    letter::{Verb, VerbLetter, ended_child, is_verb},
    run::{Life, Stage},
};
use crate::{
    snapshot::{
        Call, Ending, Hot, ParkReason, Path, WaitingFor,
        parts::{self, OF_BRANCHES},
    },
    store::{AttrOp, Effect, Head, Message, Part, PartOp, Revision, Seq, Status, Then},
    time::Timestamp,
};

/// What an event changes outside of the [`Run`] itself.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) state: Option<Bytes>,
    /// Changes of parts that are fields.
    pub(super) fields: Vec<PartOp>,
    pub(super) reserved: BTreeMap<String, Reserved>,
    pub(super) attributes: Vec<AttrOp>,
    pub(super) consume: Vec<Seq>,
    pub(super) entries: Vec<Bytes>,
    pub(super) effects: Vec<Effect>,
    pub(super) dropped: Vec<Path>,
    pub(super) moved: usize,
    pub(super) stuck: Option<(Path, ParkReason)>,
    /// Whether the run was given up before it began.
    pub(super) unbegun: bool,
}

/// A change of a part that is no field.
pub(super) struct Reserved {
    /// Whether the store holds it now.
    is_stored: bool,
    /// What it will hold; nothing if it goes.
    body: Option<Bytes>,
}

impl Draft {
    /// Starts no run for a call that was entered and left within the event: it never was to be seen, and a call that takes its
    /// place at the same revision has the same key.
    pub(super) fn forget_start(&mut self, call: &Call) {
        if let WaitingFor::Child { id } | WaitingFor::Spawn { id } = &call.waiting_for {
            self.effects.retain(|effect| !matches!(effect, Effect::Start(run) if run.id == *id));
        }
    }

    /// The changes of parts. What came and went within the event was never stored.
    fn into_parts(self) -> Vec<PartOp> {
        let reserved = self.reserved.into_iter().filter_map(|(name, change)| match change.body {
            Some(body) => Some(PartOp::Put(Part { name, body })),
            None if change.is_stored => Some(PartOp::Delete { name }),
            None => None,
        });
        self.fields.into_iter().chain(reserved).collect()
    }
}

impl Run {
    /// Writes a part that is no field.
    pub(super) fn put(&mut self, draft: &mut Draft, name: String, body: Bytes) {
        let is_stored = !self.reserved.insert(name.clone());
        draft.reserved.entry(name).or_insert(Reserved { is_stored, body: None }).body = Some(body);
    }

    /// Removes a part that is no field.
    pub(super) fn remove(&mut self, draft: &mut Draft, name: &str) {
        if self.reserved.remove(name) {
            draft.reserved.entry(name.to_owned()).or_insert(Reserved { is_stored: true, body: None }).body =
                None;
        }
    }

    /// Writes the call of a branch. That of the root stands in the head.
    pub(super) fn put_call(&mut self, draft: &mut Draft, path: &Path, call: &Call) -> Result<(), Impossible> {
        if path.is_root() {
            return Ok(());
        }
        let body = serde_json::to_vec(call).map_err(|cause| self.identity.unwritable(cause))?;
        self.put(draft, parts::call(path), body.into());
        Ok(())
    }

    /// Removes what is kept of the branch at a path and of all below it.
    pub(super) fn remove_branches(&mut self, draft: &mut Draft, path: &Path) {
        let mut gone = Vec::new();
        for kind in OF_BRANCHES.into_iter().filter(|kind| self.has_part(kind)) {
            let whole = format!("{kind}{path}");
            let below = if path.is_root() { whole.clone() } else { format!("{whole}.") };
            let names = self.reserved.range(below.clone()..).take_while(|name| name.starts_with(&below));
            gone.extend(names.cloned());
            gone.push(whole);
        }
        for name in gone {
            self.remove(draft, &name);
        }
    }

    /// Whether the store holds a part whose name begins so.
    fn has_part(&self, kind: &str) -> bool {
        let from = (Bound::Included(kind), Bound::Unbounded);
        self.reserved.range::<str, _>(from).next().is_some_and(|name| name.starts_with(kind))
    }

    /// Lets go of the steps in flight at a path and below it, but for the one that has ended.
    pub(super) fn drop_steps(&mut self, draft: &mut Draft, path: &Path, ended: Option<&Path>) {
        let below = self.in_flight.range(path.clone()..).take_while(|step| path.contains(step));
        for step in below.cloned().collect::<Vec<_>>() {
            self.come_back(&step);
            if ended != Some(&step) {
                draft.dropped.push(step);
            }
        }
    }

    /// Tells a child that it is awaited no more.
    pub(super) fn tell_child(
        &self,
        draft: &mut Draft,
        call: &Call,
        verb: Verb,
        reason: &str,
    ) -> Result<(), Impossible> {
        let WaitingFor::Child { id } = &call.waiting_for else { return Ok(()) };
        if call.is_unstarted_child() {
            return Ok(());
        }
        let place = CallPlace { uid: self.identity.uid, entered: call.entered, branch: &call.branch };
        let uid = place.child_uid(call.attempt);
        let letter = VerbLetter { by: Some(self.identity.id.to_string()), reason: Some(reason.to_owned()) };
        let body = serde_json::to_vec(&letter).map_err(|cause| self.identity.unwritable(cause))?;
        draft.effects.push(Effect::Deliver(Message {
            to: id.clone(),
            uid: Some(uid),
            key: Some(format!("{}:{uid}", verb.kind())),
            kind: verb.kind().to_owned(),
            body: body.into(),
        }));
        Ok(())
    }

    /// The run after the event, and all that is to be committed.
    pub(super) fn seal(mut self, mut draft: Draft, now: Timestamp) -> Result<(Self, Plan), Impossible> {
        self.sweep(&mut draft);
        if !draft.consume.is_empty() {
            let consumed: BTreeSet<Seq> = draft.consume.iter().copied().collect();
            self.inbox.retain(|message| !consumed.contains(&message.seq));
        }
        self.revision = self.revision.next();
        let then = self.then(now);
        let head = self.head(then)?;
        let unbegun = then != Then::Go && (draft.unbegun || self.waits_for_its_start());
        let plan = Plan {
            head,
            state: draft.state.take(),
            attributes: std::mem::take(&mut draft.attributes),
            seen: self.seen,
            consume: std::mem::take(&mut draft.consume),
            entries: std::mem::take(&mut draft.entries),
            effects: std::mem::take(&mut draft.effects),
            dropped: std::mem::take(&mut draft.dropped),
            moved: draft.moved,
            stuck: draft.stuck.take(),
            parts: draft.into_parts(),
            unbegun,
            then,
        };
        Ok((self, plan))
    }

    /// Whether nothing of the run has been done yet: it waits to begin, or for the time at which it is to.
    pub(super) fn waits_for_its_start(&self) -> bool {
        let Life::At { calls, .. } = &self.life else { return false };
        let call = calls.root();
        call.entered == Revision(0)
            && matches!(call.waiting_for, WaitingFor::Start | WaitingFor::Timer { .. })
    }

    /// Uses up what nobody will ever take: the ends of children that are not awaited, and verbs that this version does not know.
    fn sweep(&self, draft: &mut Draft) {
        if self.inbox.is_empty() {
            return;
        }
        let awaited = self.awaited_children();
        let is_stale = |kind: &str| match ended_child(kind) {
            Some(child) => !awaited.has(child),
            None => is_verb(kind) && Verb::of(kind).is_none(),
        };
        let consumed: BTreeSet<Seq> = draft.consume.iter().copied().collect();
        let left = self.inbox.iter().filter(|message| !consumed.contains(&message.seq));
        draft.consume.extend(left.filter(|message| is_stale(&message.kind)).map(|message| message.seq));
    }

    /// The children whose ends are waited for.
    fn awaited_children(&self) -> Awaited<'_> {
        match &self.life {
            Life::At { calls, .. } => Awaited::By(calls),
            Life::Ending { .. } | Life::Ended { .. } => {
                Awaited::These(self.calls().into_iter().filter_map(Call::awaited_child).collect())
            }
        }
    }

    /// The head that says how the run stands.
    fn head(&self, then: Then) -> Result<Head, Impossible> {
        let no_calls: &[Call] = &[];
        let (calls, ending, cancelled) = match &self.life {
            Life::At { calls, cancelled, .. } => (std::slice::from_ref(calls.root()), None, *cancelled),
            Life::Ending { end, stage, .. } => {
                let calls = match stage {
                    Stage::Children(children) => {
                        children.get(&Path::ROOT).map_or(no_calls, std::slice::from_ref)
                    }
                    Stage::Undo { call } => std::slice::from_ref(call),
                };
                (calls, Some(end.name()), None)
            }
            Life::Ended { .. } => (no_calls, None, None),
        };
        let hot = Hot {
            error: self.parked.as_ref().map(std::borrow::Cow::Borrowed),
            paused: self.paused,
            cancelled,
            ending,
            undo: self.undo.len(),
            enter: self.enter,
            tells: self.identity.tells.as_ref().map(std::borrow::Cow::Borrowed),
            trace: self.identity.trace.as_deref().map(std::borrow::Cow::Borrowed),
            ..Hot::new(calls, self.identity.parent.as_ref())
        };
        let body = hot.write().map_err(|cause| self.identity.unwritable(cause))?;
        Ok(Head { status: self.status(then), at: self.state().to_owned(), version: self.version, body })
    }

    /// How the run stands.
    fn status(&self, then: Then) -> Status {
        match &self.life {
            Life::Ended { status, .. } => *status,
            Life::At { .. } | Life::Ending { .. } if self.parked.is_some() => Status::Parked,
            Life::At { .. } | Life::Ending { .. } if self.paused => Status::Paused,
            Life::At { cancelled: Some(_), .. } | Life::Ending { end: super::End::Cancelled, .. } => {
                Status::Cancelling
            }
            Life::At { cancelled: None, .. } | Life::Ending { end: super::End::Failed { .. }, .. } => {
                match then {
                    Then::Go => Status::Ready,
                    Then::Rest { .. } | Then::End => Status::Waiting,
                }
            }
        }
    }
}

/// The children whose ends are waited for.
enum Awaited<'a> {
    /// Those of these calls, which are many and know it.
    By(&'a Calls),
    /// These.
    These(BTreeSet<&'a str>),
}

impl Awaited<'_> {
    fn has(&self, child: &str) -> bool {
        match self {
            Self::By(calls) => calls.agenda().awaiting(child).is_some(),
            Self::These(children) => children.contains(child),
        }
    }
}

impl super::End {
    /// How a snapshot names it.
    fn name(&self) -> Ending {
        match self {
            Self::Failed { .. } => Ending::Failed,
            Self::Cancelled => Ending::Cancelled,
        }
    }
}

impl super::Identity {
    /// The error for what the library itself writes.
    pub(super) fn unwritable(&self, cause: serde_json::Error) -> Impossible {
        Impossible::Unwritable { run: self.id.clone(), cause }
    }
}
