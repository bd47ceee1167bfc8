//! The machines of a run in memory: the one at the root, and below a group one for each branch.
//!
//! The basic idea is as follows: a machine is a *node*. It stands still as long as its state has just been stored; taken
//! apart it is a frame and what the frame waits for, which for a group is more nodes. Outcomes are put in at the leaves and
//! run the user's code; where that ends a branch, the group's rule says whether the frame above it goes on too. What moved is
//! told as [`Moved`]s, and stands in the tree again once it is stored.

mod arrival;
mod node;
mod settled;
mod stored;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{
    AnyMachine, AnyTransition,
    reason::{contradiction, unreadable, unsaved},
    registry::Kind,
    steps::words,
};
use crate::{
    attributes,
    core::{Calls, Progress, after},
    machine::{BranchEnd, Outcome, Undos},
    snapshot::{LoadError, ParkReason, Path, parts::Reserved},
    store::AttrOp,
    suspend::StepTask,
};

use arrival::in_order;
pub(crate) use arrival::{Arrival, What};
use node::{Begun, Member, Node, Waits};
pub(crate) use settled::Settled;
use settled::{Calling, Moved, Reached};
use stored::Stored;

/// The machines of a run in memory.
pub(crate) struct Tree {
    root: Node,
}

/// What the user's code did.
struct Resumed {
    transition: AnyTransition,
    /// What it pushed on the undo stack.
    pushed: Calling,
    /// What it changed of the run's attributes.
    changed: Vec<AttrOp>,
}

/// Whether the end of a branch is that of its group.
enum Over {
    /// The group's outcome.
    Group(Outcome),
    /// Where the branch came to.
    Branch(Reached),
}

impl Tree {
    /// The tree of a machine that has no branches yet, or none that were stored.
    pub(crate) fn new(root: Box<dyn AnyMachine>) -> Self {
        Self { root: Node::Still(root) }
    }

    /// The tree of a stored run.
    pub(crate) fn restore(
        root: Box<dyn AnyMachine>,
        calls: &Calls,
        reserved: &Reserved,
        kind: &Kind,
    ) -> Result<Self, ParkReason> {
        let stored = Stored { calls, reserved, kind };
        Ok(Self { root: stored.node(&Path::ROOT, root)? })
    }

    /// The machine at the root, as it was stored.
    pub(crate) fn still(&self) -> Option<&dyn AnyMachine> {
        match &self.root {
            Node::Still(machine) => Some(&**machine),
            Node::Begun(_) | Node::Gone => None,
        }
    }

    /// The machine at the root, as it was stored.
    pub(crate) fn into_still(self) -> Option<Box<dyn AnyMachine>> {
        match self.root {
            Node::Still(machine) => Some(machine),
            Node::Begun(_) | Node::Gone => None,
        }
    }

    /// Takes the step out that the call at this path is to run.
    pub(crate) fn task(&mut self, path: &Path, calls: &Calls) -> Result<Box<dyn StepTask>, ParkReason> {
        let node = self.reach(path, calls)?.ok_or_else(|| contradiction(path))?;
        match &mut node.begin(path, calls)?.waits {
            Waits::Step(place) => {
                let task = place.take().ok_or_else(|| contradiction(path))?;
                if task.spec().retry.attempts > 1 {
                    let copy = task.copy().map_err(|cause| unreadable(&LoadError::envelope(cause)))?;
                    *place = Some(copy);
                }
                Ok(task)
            }
            Waits::Unit | Waits::Spawn | Waits::Signal(_) | Waits::Child(_) | Waits::Group(_) => {
                Err(contradiction(path))
            }
        }
    }

    /// Puts in what came to the calls, and runs the user's code as far as it goes.
    ///
    /// The order is that of the source; in a `select!` it is that of time. What comes to a call that another arrival has
    /// removed is left out: it was not seen by anybody. `state` is the name of the root's.
    pub(crate) fn settle(&mut self, state: &str, calls: &Calls, arrivals: Vec<Arrival>) -> Settled {
        let mut settled = Settled::default();
        for arrival in in_order(&Path::ROOT, calls, arrivals) {
            let leaf = arrival.path.clone();
            if let Err(reason) = self.put_in(state, calls, arrival, &mut settled) {
                settled.stuck = Some((leaf, reason));
                break;
            }
        }
        settled
    }

    /// Puts in one arrival.
    fn put_in(
        &mut self,
        state: &str,
        calls: &Calls,
        arrival: Arrival,
        settled: &mut Settled,
    ) -> Result<(), ParkReason> {
        let Arrival { path: leaf, cause, what, words, at: _ } = arrival;
        let Some(node) = self.reach(&leaf, calls)?.filter(|node| !matches!(node, Node::Gone)) else {
            return Ok(());
        };
        if let What::Again(again) = what {
            let (path, to) = (leaf.clone(), Reached::Again(again));
            settled.moves.push(Moved {
                path,
                leaf,
                cause,
                to,
                words,
                undos: Calling::new(),
                attributes: Vec::new(),
            });
            return Ok(());
        }
        // What can't be read is found out before anything is taken apart for good.
        let mut outcome = node.begin(&leaf, calls)?.outcome(&leaf, what)?;
        let mut path = leaf.clone();
        // What is not stored runs again, and pushes again: it counts with the move alone.
        let (mut undos, mut attributes) = (Calling::new(), Vec::new());
        loop {
            let at = || calls.get(&path).and_then(|call| call.at.as_deref()).unwrap_or(state);
            let Resumed { transition, pushed, changed } = self.resume(&path, at, outcome)?;
            undos.extend(pushed);
            attributes.extend(changed);
            let to = match transition {
                AnyTransition::Suspend(machine, changes) => Reached::Suspended { machine, changes },
                AnyTransition::Done { output, failed } => Reached::Returned { output, failed },
                AnyTransition::Unreadable(error) => return Err(unreadable(&error)),
                AnyTransition::Branch(end) => {
                    let (Some(parent), Some(number)) = (path.parent(), path.number()) else {
                        settled.undone = Some(end.failed);
                        return Ok(());
                    };
                    match self.end(calls, &parent, number, end)? {
                        Over::Group(outcomes) => {
                            path = parent;
                            outcome = outcomes;
                            continue;
                        }
                        Over::Branch(ended) => ended,
                    }
                }
            };
            settled.moves.push(Moved { path, leaf, cause, to, words, undos, attributes });
            return Ok(());
        }
    }

    /// Runs the user's code of the machine at this path.
    fn resume<'a>(
        &mut self,
        path: &Path,
        at: impl Fn() -> &'a str,
        outcome: Outcome,
    ) -> Result<Resumed, ParkReason> {
        let node = self.node(path).ok_or_else(|| contradiction(path))?;
        let Node::Begun(begun) = std::mem::replace(node, Node::Gone) else { return Err(contradiction(path)) };
        let mut undos = Undos::default();
        let resume = || attributes::collect(|| begun.frame.resume(outcome, &mut undos));
        match catch_unwind(AssertUnwindSafe(resume)) {
            Ok((transition, changed)) => Ok(Resumed { transition, pushed: undos.into_calls(), changed }),
            Err(panic) => {
                Err(ParkReason::WorkflowPanicked { state: at().to_owned(), message: words(&*panic) })
            }
        }
    }

    /// Notes the end of a branch, and whether that is the end of its group.
    fn end(&mut self, calls: &Calls, parent: &Path, number: u32, end: BranchEnd) -> Result<Over, ParkReason> {
        let place = || parent.child(number);
        let call = calls.group(parent).ok_or_else(|| contradiction(parent))?;
        let Some(Node::Begun(begun)) = self.node(parent) else { return Err(contradiction(parent)) };
        let Begun { waits: Waits::Group(group), limit, .. } = &mut **begun else {
            return Err(contradiction(parent));
        };
        group.open = group.open.saturating_sub(1);
        let BranchEnd { outcome, failed, write } = end;
        match after(call, group.started, group.open, failed) {
            Progress::Complete { by_branch } => {
                group.put(number, outcome).ok_or_else(|| contradiction(&place()))?;
                let outcomes = Outcome::new(group.outcomes(by_branch.then_some(number)));
                Ok(Over::Group(match limit {
                    Some(limit) => (limit.in_time)(outcomes),
                    None => outcomes,
                }))
            }
            Progress::Open { start } => {
                let write = write.ok_or_else(|| contradiction(&place()))?;
                let mut output = Vec::new();
                write(&outcome, &mut output).map_err(|cause| unsaved(&place(), cause))?;
                group.put(number, outcome).ok_or_else(|| contradiction(&place()))?;
                let next = start
                    .map(|next| group.take_first(next).ok_or_else(|| contradiction(&parent.child(next))));
                Ok(Over::Branch(Reached::Ended { output, failed, next: next.transpose()? }))
            }
        }
    }

    /// Takes over what was stored.
    pub(crate) fn place(&mut self, settled: Settled) {
        for Moved { path, to, .. } in settled.moves {
            match to {
                Reached::Suspended { machine, .. } => {
                    if let Some(node) = self.node(&path) {
                        *node = Node::Still(machine);
                    }
                }
                Reached::Ended { next: Some((number, machine)), .. } => {
                    let place = path.parent().map(|parent| parent.child(number));
                    if let Some(node) = place.and_then(|place| self.node(&place)) {
                        *node = Node::Still(machine);
                    }
                }
                Reached::Ended { next: None, .. } | Reached::Returned { .. } | Reached::Again(_) => {}
            }
        }
    }

    /// The machine at this path, unless it or one above it has ended. The groups above it are taken apart.
    fn reach(&mut self, path: &Path, calls: &Calls) -> Result<Option<&mut Node>, ParkReason> {
        let (mut node, mut at) = (&mut self.root, Path::ROOT);
        for number in path.numbers() {
            if let Node::Gone = node {
                return Ok(None);
            }
            let Waits::Group(group) = &mut node.begin(&at, calls)?.waits else { return Ok(None) };
            let Some(Member::Open(member)) = group.members.get_mut(index(*number)) else { return Ok(None) };
            (node, at) = (member, at.child(*number));
        }
        Ok(Some(node))
    }

    /// The machine at this path, unless it or one above it has ended or was not taken apart.
    fn node(&mut self, path: &Path) -> Option<&mut Node> {
        let mut node = &mut self.root;
        for number in path.numbers() {
            let Node::Begun(begun) = node else { return None };
            let Waits::Group(group) = &mut begun.waits else { return None };
            let Member::Open(member) = group.members.get_mut(index(*number))? else { return None };
            node = member;
        }
        Some(node)
    }
}

/// A branch's place in a list.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
