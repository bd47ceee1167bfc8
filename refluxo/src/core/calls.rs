//! The calls that a run is at: one, or those of a tree of branches.

use std::collections::BTreeMap;

use super::{agenda::Agenda, key::CallPlace};
use crate::{
    snapshot::{Call, GroupCall, Path, WaitingFor, parts::Reserved},
    store::{Revision, Uid},
    time::Timestamp,
};

/// The calls that a run is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    /// What the workflow's function itself is at. A group, if there are branches.
    root: Call,
    /// What each open branch is at, also those that need no record.
    branches: BTreeMap<Path, Call>,
    /// All of them, by what they wait for.
    agenda: Agenda,
}

impl Calls {
    /// A run that is at one call.
    pub(crate) fn one(root: Call) -> Self {
        let mut agenda = Agenda::default();
        agenda.add(Path::root(), &root);
        Self { root, branches: BTreeMap::new(), agenda }
    }

    /// The calls of a stored run.
    pub(crate) fn of_stored(uid: Uid, root: Call, reserved: &Reserved) -> Self {
        let mut calls = Self::one(root);
        for (path, record) in &reserved.branches {
            calls.insert(path.clone(), record.call.clone());
        }
        calls.imply(uid, |path| reserved.outputs.contains_key(path));
        calls
    }

    /// Adds the calls of started branches that have neither a record nor an output: those that they began with.
    pub(super) fn imply(&mut self, uid: Uid, has_ended: impl Fn(&Path) -> bool) {
        for (path, call) in self.implied(uid, has_ended) {
            self.insert(path, call);
        }
    }

    /// What the workflow's function itself is at.
    pub(crate) fn root(&self) -> &Call {
        &self.root
    }

    /// The call at this path.
    pub(crate) fn get(&self, path: &Path) -> Option<&Call> {
        if path.is_root() { Some(&self.root) } else { self.branches.get(path) }
    }

    /// What there may be to do about them.
    pub(super) fn agenda(&self) -> &Agenda {
        &self.agenda
    }

    /// Puts a call at this path; gives the one that was there.
    pub(super) fn insert(&mut self, path: Path, call: Call) -> Option<Call> {
        let old = self.get(&path);
        if let Some(old) = old.cloned() {
            self.agenda.remove(&path, &old);
        }
        self.agenda.add(&path, &call);
        if path.is_root() {
            Some(std::mem::replace(&mut self.root, call))
        } else {
            self.branches.insert(path, call)
        }
    }

    /// Changes the call at this path. It is not one of a step that is being run.
    pub(super) fn change(&mut self, path: &Path, change: impl FnOnce(&mut Call)) -> Option<&Call> {
        let call = if path.is_root() { &mut self.root } else { self.branches.get_mut(path)? };
        self.agenda.remove(path, call);
        change(call);
        self.agenda.add(path, call);
        Some(call)
    }

    /// Takes out the branches at a path and below it.
    pub(super) fn remove_below(&mut self, path: &Path) -> Vec<(Path, Call)> {
        let below = self.branches.range(path.clone()..).map(|(path, _)| path);
        let below: Vec<Path> = below.take_while(|other| path.contains(other)).cloned().collect();
        self.remove_all(below)
    }

    /// Takes out the branches of which this is not true.
    pub(super) fn retain(&mut self, is_kept: impl Fn(&Path) -> bool) {
        let gone = self.branches.keys().filter(|path| !is_kept(path)).cloned().collect();
        self.remove_all(gone);
    }

    fn remove_all(&mut self, paths: Vec<Path>) -> Vec<(Path, Call)> {
        let taken: Vec<_> = paths.into_iter().filter_map(|path| self.branches.remove_entry(&path)).collect();
        for (path, call) in &taken {
            self.agenda.remove(path, call);
        }
        taken
    }

    /// Notes whether the step at this path is being run.
    pub(super) fn note_in_flight(&mut self, path: &Path, is_in_flight: bool) {
        let call = if path.is_root() { Some(&self.root) } else { self.branches.get(path) };
        match call {
            Some(call) if is_in_flight => self.agenda.set_out(path, call),
            Some(call) => self.agenda.add(path, call),
            None => {}
        }
    }

    /// The group at this path.
    pub(crate) fn group(&self, path: &Path) -> Option<&GroupCall> {
        self.get(path).and_then(group)
    }

    /// All of them, a group before its branches.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Path, &Call)> {
        std::iter::once((Path::root(), &self.root)).chain(&self.branches)
    }

    /// The calls that are implied by their groups.
    fn implied(&self, uid: Uid, has_ended: impl Fn(&Path) -> bool) -> Vec<(Path, Call)> {
        let mut implied = Vec::new();
        for (path, call) in self.iter() {
            let Some(group) = group(call) else { continue };
            let branches = (0..group.started).map(|number| (number, path.child(number)));
            let open =
                branches.filter(|(_, branch)| !self.branches.contains_key(branch) && !has_ended(branch));
            implied.extend(open.map(|(number, branch)| {
                let first = first_call(uid, &branch, call.entered, group, number);
                (branch, first)
            }));
        }
        implied
    }
}

/// The branches of a call.
fn group(call: &Call) -> Option<&GroupCall> {
    match &call.waiting_for {
        WaitingFor::Group(group) => Some(group),
        WaitingFor::Start
        | WaitingFor::Step { .. }
        | WaitingFor::Timer { .. }
        | WaitingFor::Signal { .. }
        | WaitingFor::Child { .. }
        | WaitingFor::Spawn { .. } => None,
    }
}

/// The plain call that a branch began with. It counts as entered when its group was, so that it follows from the group alone.
pub(crate) fn first_call(uid: Uid, path: &Path, entered: Revision, group: &GroupCall, number: u32) -> Call {
    let place = usize::try_from(number).unwrap_or(usize::MAX);
    let step = if group.first.len() == 1 { group.first.first() } else { group.first.get(place) };
    let waiting_for = match step {
        Some(name) if !name.is_empty() => WaitingFor::Step { name: name.clone() },
        Some(_) | None => WaitingFor::Start,
    };
    new_call(uid, path.to_string(), entered, waiting_for)
}

/// The first attempt of a call.
pub(crate) fn new_call(uid: Uid, branch: String, entered: Revision, waiting_for: WaitingFor) -> Call {
    let key = CallPlace { uid, entered, branch: &branch }.key();
    Call { branch, at: None, waiting_for, until: None, entered, attempt: 1, retry: None, key }
}

impl Call {
    /// Whether it is a child that is not started yet: another attempt of one that was cancelled.
    pub(crate) fn is_unstarted_child(&self) -> bool {
        matches!(self.waiting_for, WaitingFor::Child { .. }) && self.retry.is_some()
    }

    /// The child whose end it waits for.
    pub(super) fn awaited_child(&self) -> Option<&str> {
        match &self.waiting_for {
            WaitingFor::Child { id } if !self.is_unstarted_child() => Some(id.as_str()),
            WaitingFor::Child { .. }
            | WaitingFor::Start
            | WaitingFor::Step { .. }
            | WaitingFor::Timer { .. }
            | WaitingFor::Signal { .. }
            | WaitingFor::Spawn { .. }
            | WaitingFor::Group(_) => None,
        }
    }

    /// The earlier of a time and the end of the wait.
    pub(crate) fn due(&self, time: Option<Timestamp>) -> Option<Timestamp> {
        earlier(self.until, time)
    }
}

/// The earlier of two times.
pub(crate) fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
