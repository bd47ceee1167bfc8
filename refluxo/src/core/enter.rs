//! The workflow's code came to an await: which calls that makes.

use std::borrow::Cow;

use super::{
    Identity, Origin, birth,
    birth::birth_of_stored,
    calls::{first_call, new_call},
    group::first_started,
    key::CallPlace,
};
use crate::{
    engine::AnyMachine,
    machine::Changes,
    snapshot::{
        Call, Encoded, GroupCall, Listener, Parent, Path, Retrying, SaveError, StateWriter, WaitingFor,
    },
    store::{Effect, Revision, RunId, Start},
    suspend::{AnyGroup, Deadline, Launch, Pending},
    time::Timestamp,
};

/// Enters the calls of machines, one after another.
pub(super) struct Entering<'a> {
    identity: &'a Identity,
    /// The revision at which the calls are entered.
    entered: Revision,
    now: Timestamp,
    /// Whether a run that a call needs is started. Not in a run that was cancelled.
    starts: bool,
    pub(super) calls: Vec<Opened>,
    pub(super) effects: Vec<Effect>,
}

/// A call that was entered.
pub(super) struct Opened {
    pub(super) path: Path,
    pub(super) call: Call,
    /// Whether it needs a record of its own.
    pub(super) recorded: bool,
}

impl<'a> Entering<'a> {
    /// Enters calls at this revision.
    pub(super) fn new(identity: &'a Identity, entered: Revision, now: Timestamp, starts: bool) -> Self {
        Self { identity, entered, now, starts, calls: Vec::new(), effects: Vec::new() }
    }

    /// Enters the call of a machine, and those of its branches.
    pub(super) fn enter(&mut self, path: &Path, machine: &dyn AnyMachine) -> Result<(), SaveError> {
        let call = self.call(path, machine, self.entered, 1)?;
        let group = match (&call.waiting_for, machine.pending()) {
            (WaitingFor::Group(group), Pending::Group(branches)) => Some((group.clone(), branches)),
            _ => None,
        };
        self.calls.push(Opened { path: path.clone(), call, recorded: true });
        if let Some((group, branches)) = group {
            for number in 0..group.started {
                let machine = branches.branch(number);
                self.enter_first(path.child(number), machine, self.entered, &group, number)?;
            }
        }
        Ok(())
    }

    /// Enters the first call of a branch. A plain one follows from its group, and needs no record.
    pub(super) fn enter_first(
        &mut self,
        path: Path,
        machine: &dyn AnyMachine,
        group_entered: Revision,
        group: &GroupCall,
        number: u32,
    ) -> Result<(), SaveError> {
        if !is_plain(machine) {
            return self.enter(&path, machine);
        }
        let call = first_call(self.identity.uid, &path, group_entered, group, number);
        self.calls.push(Opened { path, call, recorded: false });
        Ok(())
    }

    /// The call of a machine, and the run that it starts.
    pub(super) fn call(
        &mut self,
        path: &Path,
        machine: &dyn AnyMachine,
        entered: Revision,
        attempt: u32,
    ) -> Result<Call, SaveError> {
        let branch = path.to_string();
        let mut call = new_call(self.identity.uid, branch, entered, WaitingFor::Start);
        call.attempt = attempt;
        call.until = machine.limit().map(|limit| self.now.saturating_add(limit));
        self.wait(&mut call, machine)?;
        Ok(call)
    }

    /// Says what a call waits for, and starts the run that it needs.
    pub(super) fn wait(&mut self, call: &mut Call, machine: &dyn AnyMachine) -> Result<(), SaveError> {
        call.waiting_for = match machine.pending() {
            Pending::Start => WaitingFor::Start,
            Pending::Step { name } => WaitingFor::Step { name: name.to_owned() },
            Pending::Timer(Deadline::At(until)) => WaitingFor::Timer { until },
            Pending::Timer(Deadline::After(duration)) => {
                WaitingFor::Timer { until: self.now.saturating_add(duration) }
            }
            Pending::Signal { name } => WaitingFor::Signal { name: name.to_owned() },
            Pending::Child(child) => {
                let parent = Parent { id: self.identity.id.clone(), uid: self.identity.uid };
                let id = self.start(call, child, Some(parent))?;
                if !self.starts {
                    call.retry = Some(Retrying { due: self.now, began: self.now, forgiven: 0 });
                }
                WaitingFor::Child { id }
            }
            Pending::Spawn(spawned) => WaitingFor::Spawn { id: self.start(call, spawned, None)? },
            Pending::Launch(launch) => WaitingFor::Spawn { id: self.launch(call, launch)? },
            Pending::Group(group) => WaitingFor::Group(group_call(group, self.now)),
        };
        Ok(())
    }

    /// Starts a run under the id that it is to have, and gives that.
    fn launch(&mut self, call: &Call, launch: &Launch) -> Result<RunId, SaveError> {
        let Identity { id, uid, .. } = self.identity;
        let place = CallPlace { uid: *uid, entered: call.entered, branch: &call.branch };
        let tells = launch.tells.clone().map(|signal| Listener { id: id.clone(), uid: *uid, signal });
        let (trace, lane) = (self.identity.trace.clone(), self.identity.lane.of_offspring());
        let origin =
            Origin { tells, trace, lane, ..Origin::of(launch.run.clone(), place.child_uid(call.attempt)) };
        let start = launch.due.map_or(Start::Now, Start::At);
        let mut new_run = birth_of_stored(origin, &launch.target, start)?;
        new_run.attributes.clone_from(&launch.attributes);
        if self.starts {
            self.effects.push(Effect::Start(Box::new(new_run)));
        }
        Ok(launch.run.clone())
    }

    /// Starts a run, and gives its id. One that is not awaited is the top of a family of its own.
    fn start(
        &mut self,
        call: &Call,
        machine: &dyn AnyMachine,
        parent: Option<Parent>,
    ) -> Result<RunId, SaveError> {
        let Identity { id, uid, root, trace, lane, .. } = self.identity;
        let place = CallPlace { uid: *uid, entered: call.entered, branch: &call.branch };
        let started = place.child_id(id, machine.workflow(), call.attempt);
        let root = if parent.is_some() { root.clone() } else { started.clone() };
        let (uid, trace, lane) = (place.child_uid(call.attempt), trace.clone(), lane.of_offspring());
        let origin = Origin { id: started.clone(), uid, root, parent, tells: None, trace, lane };
        let (_, new_run) = birth(origin, machine, Start::Now)?;
        if self.starts {
            self.effects.push(Effect::Start(Box::new(new_run)));
        }
        Ok(started)
    }
}

/// The branches of a group that is entered now.
fn group_call(group: &dyn AnyGroup, now: Timestamp) -> GroupCall {
    let of = group.len();
    let names = || (0..of).map(|number| first_step(group.branch(number)));
    let all_the_same = names().zip(names().skip(1)).all(|(one, next)| one == next);
    let mut first: Vec<String> =
        names().take(if all_the_same { 1 } else { usize::MAX }).map(str::to_owned).collect();
    if first.iter().all(String::is_empty) {
        first.clear();
    }
    let limit = group.limit();
    GroupCall { rule: group.rule(), of, limit, started: first_started(of, limit), began: now, first }
}

/// Whether a branch begins with a step that may last as long as it likes, or with code: then its group says all of it.
fn is_plain(machine: &dyn AnyMachine) -> bool {
    match machine.pending() {
        Pending::Start | Pending::Step { .. } => machine.limit().is_none(),
        Pending::Timer(_)
        | Pending::Signal { .. }
        | Pending::Child(_)
        | Pending::Spawn(_)
        | Pending::Launch(_)
        | Pending::Group(_) => false,
    }
}

/// The step that a branch begins with; nothing if it begins with something else.
fn first_step(machine: &dyn AnyMachine) -> &'static str {
    match machine.pending() {
        Pending::Step { name } if is_plain(machine) => name,
        Pending::Step { .. }
        | Pending::Start
        | Pending::Timer(_)
        | Pending::Signal { .. }
        | Pending::Child(_)
        | Pending::Spawn(_)
        | Pending::Launch(_)
        | Pending::Group(_) => "",
    }
}

/// A machine's state as it is stored.
pub(super) fn encode(
    machine: &dyn AnyMachine,
    changes: &Changes,
    known: &[Cow<'static, str>],
) -> Result<Encoded, SaveError> {
    let mut writer = StateWriter::new(machine.at(), changes, known);
    machine.encode(&mut writer);
    writer.finish()
}

/// A machine's state as a whole, as that of a branch is stored.
pub(super) fn encode_whole(machine: &dyn AnyMachine) -> Result<bytes::Bytes, SaveError> {
    let mut writer = StateWriter::whole(machine.at());
    machine.encode(&mut writer);
    writer.finish().map(|encoded| encoded.document)
}
