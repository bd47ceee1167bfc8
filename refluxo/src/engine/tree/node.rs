//! A machine in memory: as it was stored, or taken apart into a frame and what the frame waits for.

use super::{What, index};
use crate::{
    core::Calls,
    engine::{
        AnyFrame, AnyMachine,
        reason::{contradiction, raw, unreadable},
    },
    machine::Outcome,
    snapshot::{ParkReason, Path},
    suspend::{Begin, Group, Outcomes, ReadOutcome, StepTask},
};

/// A machine.
pub(super) enum Node {
    /// As it was stored.
    Still(Box<dyn AnyMachine>),
    /// Taken apart.
    Begun(Box<Begun>),
    /// Its outcome was put in; the next one is on its way to the store.
    Gone,
}

/// A machine that was taken apart.
pub(super) struct Begun {
    pub(super) frame: Box<dyn AnyFrame>,
    pub(super) limit: Option<Limit>,
    pub(super) waits: Waits,
}

/// What to make of an outcome that has a limit of time.
#[derive(Clone, Copy)]
pub(super) struct Limit {
    pub(super) in_time: fn(Outcome) -> Outcome,
    pub(super) elapsed: fn() -> Outcome,
}

/// What a frame waits for.
pub(super) enum Waits {
    /// For nothing that has a value.
    Unit,
    /// For a step. It is here unless it is being run.
    Step(Option<Box<dyn StepTask>>),
    /// For a run of its own to be started.
    Spawn,
    Signal(ReadOutcome),
    Child(ReadOutcome),
    Group(Branches),
}

/// The branches of a group.
pub(super) struct Branches {
    pub(super) read: Vec<ReadOutcome>,
    pub(super) members: Vec<Member>,
    /// How many of the first ones were started.
    pub(super) started: u32,
    /// How many of these have not ended.
    pub(super) open: u32,
}

/// A branch.
pub(super) enum Member {
    Open(Node),
    Ended(Outcome),
}

impl Node {
    /// Takes the machine apart, if it was not.
    pub(super) fn begin(&mut self, path: &Path, calls: &Calls) -> Result<&mut Begun, ParkReason> {
        if let Self::Still(_) = self
            && let Self::Still(machine) = std::mem::replace(self, Self::Gone)
        {
            *self = Self::Begun(Box::new(Begun::new(machine, path, calls)?));
        }
        match self {
            Self::Begun(begun) => Ok(begun),
            Self::Still(_) | Self::Gone => Err(contradiction(path)),
        }
    }
}

impl Begun {
    pub(super) fn new(machine: Box<dyn AnyMachine>, path: &Path, calls: &Calls) -> Result<Self, ParkReason> {
        let (mut begin, frame) = machine.begin();
        let mut limit = None;
        if let Begin::Limited(limited) = begin {
            limit = Some(Limit { in_time: limited.in_time, elapsed: limited.elapsed });
            begin = limited.begin;
        }
        let waits = match begin {
            Begin::Start | Begin::Timer => Waits::Unit,
            Begin::Step(task) => Waits::Step(Some(task)),
            Begin::Spawn => Waits::Spawn,
            Begin::Signal(read) => Waits::Signal(read),
            Begin::Child(read) => Waits::Child(read),
            Begin::Group(group) => Waits::Group(Branches::new(group, path, calls)?),
            Begin::Limited(_) => return Err(contradiction(path)),
        };
        Ok(Self { frame, limit, waits })
    }

    /// What came, as the frame takes it.
    pub(super) fn outcome(&mut self, path: &Path, what: What) -> Result<Outcome, ParkReason> {
        let outcome = match (what, &mut self.waits) {
            (What::Bad(reason), _) => return Err(reason),
            (What::Elapsed, _) => {
                let limit = self.limit.ok_or_else(|| contradiction(path))?;
                return Ok((limit.elapsed)());
            }
            (What::Outcome(outcome), Waits::Unit | Waits::Step(_) | Waits::Spawn) => outcome,
            (What::Signal(body), Waits::Signal(read)) => {
                read(raw(&body)?).map_err(|error| unreadable(&error))?
            }
            (What::Output(output), Waits::Child(read)) => {
                read(&output).map_err(|error| unreadable(&error))?
            }
            (What::Empty, Waits::Group(group)) => Outcome::new(group.outcomes(None)),
            (
                What::Outcome(_) | What::Signal(_) | What::Output(_) | What::Empty | What::Again(_),
                Waits::Unit
                | Waits::Step(_)
                | Waits::Spawn
                | Waits::Signal(_)
                | Waits::Child(_)
                | Waits::Group(_),
            ) => return Err(contradiction(path)),
        };
        Ok(match self.limit {
            Some(limit) => (limit.in_time)(outcome),
            None => outcome,
        })
    }
}

impl Branches {
    pub(super) fn new(group: Group, path: &Path, calls: &Calls) -> Result<Self, ParkReason> {
        let call = calls.group(path).ok_or_else(|| contradiction(path))?;
        let members = group.branches.into_iter().map(|machine| Member::Open(Node::Still(machine))).collect();
        Ok(Self { read: group.read, members, started: call.started, open: call.started })
    }

    /// Keeps the output of a branch.
    pub(super) fn put(&mut self, number: u32, outcome: Outcome) -> Option<()> {
        *self.members.get_mut(index(number))? = Member::Ended(outcome);
        Some(())
    }

    /// The first state of a branch that begins now. It stands in the tree again when that is stored.
    pub(super) fn take_first(&mut self, number: u32) -> Option<(u32, Box<dyn AnyMachine>)> {
        let Member::Open(node) = self.members.get_mut(index(number))? else { return None };
        let Node::Still(machine) = std::mem::replace(node, Node::Gone) else { return None };
        self.started += 1;
        self.open += 1;
        Some((number, machine))
    }

    /// What the branches gave; the others are dropped.
    pub(super) fn outcomes(&mut self, winner: Option<u32>) -> Outcomes {
        let outcomes = std::mem::take(&mut self.members).into_iter().map(|member| match member {
            Member::Ended(outcome) => Some(outcome),
            Member::Open(_) => None,
        });
        Outcomes::new(winner, outcomes.collect())
    }
}
