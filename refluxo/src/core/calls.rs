//! The calls that a run is at: one, or those of a tree of branches.

use std::collections::BTreeMap;

use super::key::CallPlace;
use crate::{
    snapshot::{Call, GroupCall, Path, WaitingFor, parts::Reserved},
    store::{Revision, Uid},
    time::Timestamp,
};

/// The calls that a run is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    /// What the workflow's function itself is at. A group, if there are branches.
    pub(crate) root: Call,
    /// What each open branch is at, also those that need no record.
    pub(crate) branches: BTreeMap<Path, Call>,
}

impl Calls {
    /// A run that is at one call.
    pub(crate) fn one(root: Call) -> Self {
        Self { root, branches: BTreeMap::new() }
    }

    /// The calls of a stored run.
    pub(crate) fn of_stored(uid: Uid, root: Call, reserved: &Reserved) -> Self {
        let recorded = reserved.branches.iter().map(|(path, record)| (path.clone(), record.call.clone()));
        let mut calls = Self { root, branches: recorded.collect() };
        calls.imply(uid, |path| reserved.outputs.contains_key(path));
        calls
    }

    /// Adds the calls of started branches that have neither a record nor an output: those that they began with.
    pub(super) fn imply(&mut self, uid: Uid, has_ended: impl Fn(&Path) -> bool) {
        let implied = self.implied(uid, has_ended);
        self.branches.extend(implied);
    }

    /// The call at this path.
    pub(crate) fn get(&self, path: &Path) -> Option<&Call> {
        if path.is_root() { Some(&self.root) } else { self.branches.get(path) }
    }

    /// The call at this path.
    pub(crate) fn get_mut(&mut self, path: &Path) -> Option<&mut Call> {
        if path.is_root() { Some(&mut self.root) } else { self.branches.get_mut(path) }
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
