//! The machines of a run in memory: the one at the root, and below a group one for each branch.
//!
//! The basic idea is as follows: a machine is a *node*. It stands still as long as its state has just been stored; taken
//! apart it is a frame and what the frame waits for, which for a group is more nodes. Outcomes are put in at the leaves and
//! run the user's code; where that ends a branch, the group's rule says whether the frame above it goes on too. What moved is
//! told as [`Moved`]s, and stands in the tree again once it is stored.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{AnyFrame, AnyMachine, AnyOutput, AnyTransition, registry::Kind, steps::words};
use crate::{
    core::{Again, Calls, Cause, Event, Move, Progress, Pushed, To, after},
    local::Local,
    machine::{BranchEnd, Changes, Outcome, Undos},
    snapshot::{
        LoadError, ParkReason, Path, SaveError, StateReader,
        parts::{BranchRecord, Reserved},
    },
    suspend::{Begin, Group, Outcomes, ReadOutcome, Rule, StepTask},
    time::Timestamp,
};

/// The machines of a run in memory.
pub(crate) struct Tree {
    root: Node,
}

/// A machine.
enum Node {
    /// As it was stored.
    Still(Box<dyn AnyMachine>),
    /// Taken apart.
    Begun(Box<Begun>),
    /// Its outcome was put in; the next one is on its way to the store.
    Gone,
}

/// A machine that was taken apart.
struct Begun {
    frame: Box<dyn AnyFrame>,
    limit: Option<Limit>,
    waits: Waits,
}

/// What to make of an outcome that has a limit of time.
#[derive(Clone, Copy)]
struct Limit {
    in_time: fn(Outcome) -> Outcome,
    elapsed: fn() -> Outcome,
}

/// What a frame waits for.
enum Waits {
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
struct Branches {
    read: Vec<ReadOutcome>,
    members: Vec<Member>,
    /// How many of the first ones were started.
    started: u32,
    /// How many of these have not ended.
    open: u32,
}

/// A branch.
enum Member {
    Open(Node),
    Ended(Outcome),
}

/// Something that came to a call.
pub(crate) struct Arrival {
    pub(crate) path: Path,
    pub(crate) cause: Cause,
    pub(crate) what: What,
    /// When it happened, which decides a `select!`.
    pub(crate) at: Timestamp,
}

/// What came to a call.
pub(crate) enum What {
    /// Its outcome.
    Outcome(Outcome),
    /// The body of a signal.
    Signal(Bytes),
    /// What a child returned.
    Output(Box<RawValue>),
    /// The end of its time.
    Elapsed,
    /// The end of a group that has no branches.
    Empty,
    /// Another attempt will be made.
    Again(Again),
    /// What nothing can be made of.
    Bad(ParkReason),
}

/// What arrivals led to.
#[derive(Default)]
pub(crate) struct Settled {
    moves: Vec<Moved>,
    /// Of the call of an undo entry: whether it failed.
    pub(crate) undone: Option<bool>,
    /// The arrival that could not be taken in; those after it were not looked at.
    pub(crate) stuck: Option<(Path, ParkReason)>,
}

/// Calls for the undo stack, with their names.
type Calling = Vec<(&'static str, Local)>;

/// A machine that moved.
struct Moved {
    path: Path,
    leaf: Path,
    cause: Cause,
    to: Reached,
    /// What its code pushed on the undo stack.
    undos: Calling,
}

/// Where a machine came to.
enum Reached {
    Suspended { machine: Box<dyn AnyMachine>, changes: Changes },
    Ended { output: Vec<u8>, failed: bool, next: Option<(u32, Box<dyn AnyMachine>)> },
    Returned { output: Box<dyn AnyOutput>, failed: bool },
    Again(Again),
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
        let Arrival { path: leaf, cause, what, at: _ } = arrival;
        if let What::Again(again) = what {
            let (path, to) = (leaf.clone(), Reached::Again(again));
            settled.moves.push(Moved { path, leaf, cause, to, undos: Calling::new() });
            return Ok(());
        }
        let Some(node) = self.reach(&leaf, calls)?.filter(|node| !matches!(node, Node::Gone)) else {
            return Ok(());
        };
        // What can't be read is found out before anything is taken apart for good.
        let mut outcome = node.begin(&leaf, calls)?.outcome(&leaf, what)?;
        let mut path = leaf.clone();
        // What is not stored runs again, and pushes again: it counts with the move alone.
        let mut undos = Calling::new();
        loop {
            let at = || calls.get(&path).and_then(|call| call.at.as_deref()).unwrap_or(state);
            let (transition, pushed) = self.resume(&path, at, outcome)?;
            undos.extend(pushed);
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
            settled.moves.push(Moved { path, leaf, cause, to, undos });
            return Ok(());
        }
    }

    /// Runs the user's code of the machine at this path.
    fn resume<'a>(
        &mut self,
        path: &Path,
        at: impl Fn() -> &'a str,
        outcome: Outcome,
    ) -> Result<(AnyTransition, Calling), ParkReason> {
        let node = self.node(path).ok_or_else(|| contradiction(path))?;
        let Node::Begun(begun) = std::mem::replace(node, Node::Gone) else { return Err(contradiction(path)) };
        let mut undos = Undos::default();
        match catch_unwind(AssertUnwindSafe(|| begun.frame.resume(outcome, &mut undos))) {
            Ok(transition) => Ok((transition, undos.into_calls())),
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

/// The arrivals at a call and below it in the order in which they count.
///
/// The basic idea is as follows: those of one branch keep their order among themselves, and branches follow in the order of the
/// source. Where branches race, each arrival counts from the latest time up to it in its branch, which makes one order of the
/// branches' orders. The end of a group's own time stands among the messages by its time, and behind the steps.
fn in_order(path: &Path, calls: &Calls, arrivals: Vec<Arrival>) -> Vec<Arrival> {
    if arrivals.len() < 2 {
        return arrivals;
    }
    let depth = path.numbers().len();
    let (mut own, mut branches) = (None, BTreeMap::<u32, Vec<Arrival>>::new());
    for arrival in arrivals {
        match arrival.path.numbers().get(depth) {
            None => own = Some(arrival),
            Some(number) => branches.entry(*number).or_default().push(arrival),
        }
    }
    let began = calls.group(path).filter(|group| group.rule == Rule::Any).map(|group| group.began);
    let mut ordered = Vec::new();
    for (number, branch) in branches {
        let mut latest = began;
        for arrival in in_order(&path.child(number), calls, branch) {
            latest = latest.map(|latest| latest.max(arrival.at));
            ordered.push((latest, arrival));
        }
    }
    ordered.sort_by_key(|(time, _)| *time);
    let ordered = ordered.into_iter().map(|(_, arrival)| arrival);
    let Some(own) = own else { return ordered.collect() };
    let (mut in_time, late): (Vec<_>, Vec<_>) =
        ordered.partition(|arrival| matches!(arrival.cause, Cause::Step(_)) || arrival.at <= own.at);
    in_time.push(own);
    in_time.extend(late);
    in_time
}

/// Whether the end of a branch is that of its group.
enum Over {
    /// The group's outcome.
    Group(Outcome),
    /// Where the branch came to.
    Branch(Reached),
}

impl Node {
    /// Takes the machine apart, if it was not.
    fn begin(&mut self, path: &Path, calls: &Calls) -> Result<&mut Begun, ParkReason> {
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
    fn new(machine: Box<dyn AnyMachine>, path: &Path, calls: &Calls) -> Result<Self, ParkReason> {
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
    fn outcome(&mut self, path: &Path, what: What) -> Result<Outcome, ParkReason> {
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
    fn new(group: Group, path: &Path, calls: &Calls) -> Result<Self, ParkReason> {
        let call = calls.group(path).ok_or_else(|| contradiction(path))?;
        let members = group.branches.into_iter().map(|machine| Member::Open(Node::Still(machine))).collect();
        Ok(Self { read: group.read, members, started: call.started, open: call.started })
    }

    /// Keeps the output of a branch.
    fn put(&mut self, number: u32, outcome: Outcome) -> Option<()> {
        *self.members.get_mut(index(number))? = Member::Ended(outcome);
        Some(())
    }

    /// The first state of a branch that begins now. It stands in the tree again when that is stored.
    fn take_first(&mut self, number: u32) -> Option<(u32, Box<dyn AnyMachine>)> {
        let Member::Open(node) = self.members.get_mut(index(number))? else { return None };
        let Node::Still(machine) = std::mem::replace(node, Node::Gone) else { return None };
        self.started += 1;
        self.open += 1;
        Some((number, machine))
    }

    /// What the branches gave; the others are dropped.
    fn outcomes(&mut self, winner: Option<u32>) -> Outcomes {
        let outcomes = std::mem::take(&mut self.members).into_iter().map(|member| match member {
            Member::Ended(outcome) => Some(outcome),
            Member::Open(_) => None,
        });
        Outcomes::new(winner, outcomes.collect())
    }
}

impl Settled {
    /// What the core is told.
    pub(crate) fn event(&self) -> Event<'_> {
        let pushed =
            self.moves.iter().enumerate().flat_map(|(by, moved)| {
                moved.undos.iter().map(move |(name, call)| Pushed { by, name, call })
            });
        Event::Moved { moves: self.moves.iter().map(Moved::as_move).collect(), pushed: pushed.collect() }
    }

    /// Forgets all moves but so many: the others could not be stored.
    pub(crate) fn keep(&mut self, moves: usize) {
        self.moves.truncate(moves);
    }

    /// Whether nothing moved.
    pub(crate) fn is_nothing(&self) -> bool {
        self.moves.is_empty()
    }
}

impl Moved {
    fn as_move(&self) -> Move<'_> {
        let to = match &self.to {
            Reached::Suspended { machine, changes } => To::Suspended { machine: &**machine, changes },
            Reached::Ended { output, failed, next } => To::Ended {
                output,
                failed: *failed,
                next: next.as_ref().map(|(number, machine)| (*number, &**machine)),
            },
            Reached::Returned { output, failed } => To::Returned { output: &**output, failed: *failed },
            Reached::Again(again) => To::Again(*again),
        };
        Move { path: self.path.clone(), leaf: self.leaf.clone(), cause: self.cause, to }
    }
}

/// What is stored of a run's branches.
struct Stored<'a> {
    calls: &'a Calls,
    reserved: &'a Reserved,
    kind: &'a Kind,
}

impl Stored<'_> {
    /// The node of a machine, with the branches that were stored below it.
    fn node(&self, path: &Path, machine: Box<dyn AnyMachine>) -> Result<Node, ParkReason> {
        let mut node = Node::Still(machine);
        if self.calls.group(path).is_some()
            && let Waits::Group(group) = &mut node.begin(path, self.calls)?.waits
        {
            for (number, member) in (0..).zip(&mut group.members) {
                if number < group.started {
                    *member = self.member(&path.child(number), &group.read, member)?;
                    group.open -= u32::from(matches!(member, Member::Ended(_)));
                }
            }
        }
        Ok(node)
    }
}

impl Stored<'_> {
    /// A started branch, which was at its first state in memory.
    fn member(&self, path: &Path, read: &[ReadOutcome], first: &mut Member) -> Result<Member, ParkReason> {
        if let Some(output) = self.reserved.outputs.get(path) {
            let number = path.number().map_or(0, index);
            let read = read.get(number).or_else(|| read.first()).ok_or_else(|| contradiction(path))?;
            return read(raw(output)?).map(Member::Ended).map_err(|error| unreadable(&error));
        }
        let machine = match self.reserved.branches.get(path) {
            Some(BranchRecord { call, fields: Some(fields) }) => {
                let at = call.at.as_deref().unwrap_or_default();
                StateReader::new(at, fields, std::iter::empty())
                    .and_then(|reader| self.kind.decode(at, reader))
                    .map_err(|error| unreadable(&error))?
            }
            Some(BranchRecord { fields: None, .. }) | None => {
                match std::mem::replace(first, Member::Open(Node::Gone)) {
                    Member::Open(Node::Still(machine)) => machine,
                    Member::Open(Node::Begun(_) | Node::Gone) | Member::Ended(_) => {
                        return Err(contradiction(path));
                    }
                }
            }
        };
        self.node(path, machine).map(Member::Open)
    }
}

/// The body of a message as JSON.
fn raw(body: &[u8]) -> Result<&RawValue, ParkReason> {
    serde_json::from_slice(body).map_err(not_json)
}

/// A body that is not what it should be.
pub(crate) fn not_json(cause: serde_json::Error) -> ParkReason {
    unreadable(&LoadError::envelope(cause))
}

/// Something stored that today's code can't read.
pub(crate) fn unreadable(error: &LoadError) -> ParkReason {
    ParkReason::Unreadable { message: error.to_string() }
}

/// A branch whose output can't be stored.
fn unsaved(path: &Path, cause: serde_json::Error) -> ParkReason {
    ParkReason::Unsaved { message: SaveError::Branch { branch: path.to_string(), cause }.to_string() }
}

/// A call of another kind than the envelope says.
pub(crate) fn contradiction(path: &Path) -> ParkReason {
    let message = if *path == Path::ROOT {
        "the state's call is of another kind than the run's envelope says".to_owned()
    } else {
        format!("the call of the branch {path} is of another kind than the run's envelope says")
    };
    ParkReason::Unreadable { message }
}

/// A branch's place in a list.
fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
