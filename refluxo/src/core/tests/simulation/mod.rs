//! Random lives of random runs: after every commit, what is stored is what is in memory.
//!
//! This is what makes a crash between any two commits harmless: whoever takes the run over has the very run that was lost. The lives are made
//! as an engine makes them: a run is asked what it does next, some of that happens, and messages come meanwhile.

mod checks;
mod dice;

use std::collections::{BTreeMap, BTreeSet};

use self::dice::{BLOCK, Dice};
use super::{
    shape::{Branches, Shape, Waits, start},
    store::Stored,
    *,
};
use crate::{
    core::{Again, Progress, after, end_kind},
    observer::AttemptOutcome,
    store::Status,
};

/// How many lives are led.
const LIVES: u64 = 400;

/// How many commits a life has at most.
const COMMITS: usize = 60;

#[test]
fn what_is_stored_is_what_is_in_memory_after_every_commit_of_every_life() {
    let mut seen = BTreeMap::<Status, u32>::new();
    for seed in 0..LIVES {
        let mut world = World::new(seed);
        for _ in 0..COMMITS {
            if world.is_over() {
                break;
            }
            world.act();
        }
        for status in world.statuses {
            *seen.entry(status).or_default() += 1;
        }
    }
    for status in Status::ALL {
        assert!(
            seen.get(&status).is_some_and(|lives| *lives > 40),
            "few lives came to be {status}: {seen:?}"
        );
    }
}

/// A run and all that is around it.
struct World {
    dice: Dice,
    run: Run,
    stored: Stored,
    /// How it ever stood.
    statuses: BTreeSet<Status>,
    now: Timestamp,
    seq: u64,
    /// The machine at each path.
    shapes: BTreeMap<Path, Shape>,
    /// The ids of all runs that were ever started.
    started: BTreeSet<RunId>,
    /// The keys of all calls that were ever open, and where.
    keys: BTreeMap<String, (String, u64)>,
}

/// A move before it is told.
struct Plotted {
    path: Path,
    leaf: Path,
    cause: Cause,
    to: PlottedTo,
}

enum PlottedTo {
    Suspended(Shape),
    Ended(Option<(u32, Shape)>),
    Returned { failed: bool },
    Again(Again),
}

/// What has become of the branches in the moves so far.
#[derive(Default)]
struct Settling {
    /// What was left, with all below it.
    left: Vec<Path>,
    /// How many branches of a group were started and have ended.
    counts: BTreeMap<Path, (u32, u32)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let origin = Origin::of(id("life"), Uid::from_u128(u128::from(seed) + 1));
        let (run, new_run) = birth(origin, &start(), Start::Now).expect("it can be saved");
        Self {
            dice: Dice(seed),
            run,
            stored: Stored::new(new_run),
            statuses: BTreeSet::new(),
            now: NOW,
            seq: 0,
            shapes: BTreeMap::from([(Path::ROOT, start())]),
            started: BTreeSet::new(),
            keys: BTreeMap::new(),
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.run.life, Life::Ended { .. })
    }

    /// Lets something happen.
    fn act(&mut self) {
        match self.dice.below(12) {
            0 => self.deliver(),
            1 => self.now = self.now.saturating_add(Duration::from_secs(self.dice.below(100))),
            // Whoever had the run is gone.
            2 => self.run = self.stored.read(),
            3 if self.dice.below(3) == 0 => self.get_stuck(),
            _ => {}
        }
        if self.is_over() {
            return;
        }
        match self.run.next(self.now) {
            Next::Act(tasks) => self.perform(tasks),
            Next::Rest(due) => self.rest(due),
        }
    }

    /// Performs some of what the run does next.
    fn perform(&mut self, tasks: Vec<Task>) {
        let mut ripe = Vec::new();
        for task in tasks {
            match task {
                Task::Told(seq) => return self.apply(Event::Told(seq)),
                Task::EndNow => return self.apply(Event::Swept),
                Task::Enter(paths) => return self.enter(&paths),
                Task::Undo { ready, .. } => return self.undo(ready),
                Task::Call { path, ready: Ready::Step, .. } if self.dice.below(3) > 0 => {
                    self.run.set_out(path);
                }
                Task::Call { path, ready, .. } => ripe.push((path, self.cause(ready))),
            }
        }
        let flying: Vec<Path> = self.run.in_flight.iter().cloned().collect();
        for path in flying {
            if self.dice.below(3) == 0 {
                ripe.push((path, self.stepped()));
            }
        }
        ripe.sort_by(|(one, _), (other, _)| one.cmp(other));
        ripe.dedup_by(|(one, _), (other, _)| one == other);
        let most = 1 + usize::try_from(self.dice.below(4)).expect("small");
        while ripe.len() > most {
            let out = usize::try_from(self.dice.below(ripe.len() as u64)).expect("small");
            ripe.remove(out);
        }
        self.settle(ripe);
    }

    /// Waits for what may come: a step in flight, a message, the time.
    fn rest(&mut self, due: Option<Timestamp>) {
        let flying = self.run.in_flight.iter().next().cloned();
        match (flying, due) {
            (Some(_), _) if matches!(self.run.life, Life::Ending { .. }) => self.undo(Ready::Step),
            (Some(path), _) => {
                let stepped = self.stepped();
                self.settle(vec![(path, stepped)]);
            }
            (None, Some(due)) if self.dice.below(2) == 0 => {
                self.now = self.now.max(due);
                assert!(
                    matches!(self.run.next(self.now), Next::Act(_)),
                    "it rests until it has something to do"
                );
            }
            (None, _) => {
                self.deliver();
                if let Next::Rest(_) = self.run.next(self.now) {
                    self.apply(Event::Looked);
                }
            }
        }
    }

    fn stepped(&self) -> Cause {
        Cause::Step(StepRun { started: self.now, ended: self.now, how: AttemptOutcome::Returned })
    }

    fn cause(&self, ready: Ready) -> Cause {
        match ready {
            Ready::Start => Cause::Started,
            Ready::Step => self.stepped(),
            Ready::Timer => Cause::Timer,
            Ready::Signal(seq) => Cause::Signal(seq),
            Ready::Child(seq) => Cause::Child(seq),
            Ready::Spawned => Cause::Spawned,
            Ready::Elapsed => Cause::Elapsed,
            Ready::Empty => Cause::Empty,
        }
    }

    /// Puts outcomes in, as the tree of an engine does.
    fn settle(&mut self, outcomes: Vec<(Path, Cause)>) {
        let mut settling = Settling::default();
        let mut plotted = Vec::new();
        for (leaf, cause) in outcomes {
            if settling.left.iter().any(|left| left.contains(&leaf)) {
                continue;
            }
            if matches!(cause, Cause::Step(_)) && self.dice.below(4) == 0 {
                let due = self.now.saturating_add(Duration::from_secs(self.dice.below(50)));
                let to = PlottedTo::Again(Again { due, began: self.now });
                settling.left.push(leaf.clone());
                plotted.push(Plotted { path: leaf.clone(), leaf, cause, to });
                continue;
            }
            plotted.push(self.plot(leaf, cause, &mut settling));
        }
        if plotted.is_empty() {
            return;
        }
        self.tell(plotted);
    }

    /// Where an outcome leads.
    fn plot(&mut self, leaf: Path, cause: Cause, settling: &mut Settling) -> Plotted {
        let mut path = leaf.clone();
        loop {
            let is_block = self.shapes[&path].large == BLOCK || path.is_root();
            if is_block && self.dice.below(2) == 0 {
                settling.left.push(path.clone());
                let shape = self.dice.state(path.is_root());
                return Plotted { path, leaf, cause, to: PlottedTo::Suspended(shape) };
            }
            let (Some(around), Some(_)) = (path.parent(), path.number()) else {
                if self.dice.below(3) > 0 {
                    settling.left.push(path.clone());
                    let shape = self.dice.state(true);
                    return Plotted { path, leaf, cause, to: PlottedTo::Suspended(shape) };
                }
                settling.left.push(Path::ROOT);
                let failed = self.dice.below(2) == 0;
                return Plotted { path, leaf, cause, to: PlottedTo::Returned { failed } };
            };
            settling.left.push(path.clone());
            let group = calls(&self.run).group(&around).expect("a group").clone();
            let (started, gone) = *settling.counts.entry(around.clone()).or_insert((group.started, 0));
            let open = self.open(&around) - gone - 1;
            let failed = self.dice.below(5) == 0;
            match after(&group, started, open, failed) {
                Progress::Complete { .. } => path = around,
                Progress::Open { start } => {
                    let counts =
                        (started + u32::from(start.is_some()), gone + 1 - u32::from(start.is_some()));
                    settling.counts.insert(around.clone(), counts);
                    let next = start.map(|number| (number, self.branch(&around, number)));
                    return Plotted { path, leaf, cause, to: PlottedTo::Ended(next) };
                }
            }
        }
    }

    /// How many branches of a group are open.
    fn open(&self, around: &Path) -> u32 {
        let branches = calls(&self.run).iter().map(|(path, _)| path);
        u32::try_from(branches.filter(|path| path.parent().as_ref() == Some(around)).count()).expect("few")
    }

    /// The first state of a branch.
    fn branch(&self, around: &Path, number: u32) -> Shape {
        match &self.shapes[around].waits {
            Waits::Group(Branches { members, .. }) => members[number as usize].clone(),
            other => panic!("{other:?} has no branches"),
        }
    }

    /// Tells the core of moves, and follows them.
    fn tell(&mut self, plotted: Vec<Plotted>) {
        let call = Local::new(7_u8);
        let names = ["release", "refund", "ship_back"];
        let count = self.dice.below(8).saturating_sub(5);
        let pushed = (0..count).map(|_| pushing(names[self.dice.index(3)], &call)).collect();
        let moves = plotted.iter().map(|Plotted { path, leaf, cause, to }| Move {
            path: path.clone(),
            leaf: leaf.clone(),
            cause: *cause,
            to: match to {
                PlottedTo::Suspended(shape) => To::Suspended { machine: shape, changes: ALL },
                PlottedTo::Ended(next) => To::Ended {
                    output: b"12345678",
                    failed: false,
                    next: next.as_ref().map(|(number, shape)| (*number, shape as &dyn AnyMachine)),
                },
                PlottedTo::Returned { failed } => To::Returned { output: &7_u8, failed: *failed },
                PlottedTo::Again(again) => To::Again(*again),
            },
            words: None,
            attributes: &[],
        });
        let event = Event::Moved { moves: moves.collect(), pushed };
        self.apply(event);
        for Plotted { path, to, .. } in plotted {
            match to {
                PlottedTo::Suspended(shape) => {
                    self.shapes.retain(|other, _| !path.contains(other));
                    self.place(path, shape);
                }
                PlottedTo::Ended(next) => {
                    self.shapes.retain(|other, _| !path.contains(other));
                    let around = path.parent().expect("a group");
                    if let Some((number, shape)) = next {
                        self.place(around.child(number), shape);
                    }
                }
                PlottedTo::Returned { .. } | PlottedTo::Again(_) => {}
            }
        }
    }

    /// A machine came to a path.
    fn place(&mut self, path: Path, shape: Shape) {
        if let Waits::Group(Branches { limit, members, .. }) = &shape.waits {
            let most = limit.map_or(members.len(), |limit| limit.max(1) as usize);
            for (number, branch) in (0..).zip(members).take(most) {
                self.place(path.child(number), branch.clone());
            }
        }
        self.shapes.insert(path, shape);
    }

    fn enter(&mut self, paths: &[Path]) {
        let shapes = self.shapes.clone();
        let machines = paths.iter().map(|path| (path.clone(), &shapes[path] as &dyn AnyMachine));
        self.apply(Event::Entered(machines.collect()));
    }

    /// Makes the call at the top of the undo stack.
    fn undo(&mut self, ready: Ready) {
        let machine = match self.run.undo.last().map(AsRef::as_ref) {
            Some("ship_back") => Waits::Child(Box::new(start())).at(""),
            Some("refund") => Waits::Step("refund").at("").limited(40),
            Some(_) | None => Waits::Step("release").at(""),
        };
        if self.run.undo_must_enter(&machine) {
            return self.apply(Event::UndoEntered(&machine));
        }
        let cause = self.cause(ready);
        match (self.dice.below(5), cause) {
            (0, Cause::Step(times)) => {
                let due = self.now.saturating_add(Duration::from_secs(30));
                let again = Again { due, began: self.now };
                self.apply(Event::UndoAgain { run: times, words: None, again });
            }
            (1, _) => {
                let reason = ParkReason::UndoFailed { undo: "release".into(), message: "no".into() };
                self.apply(Event::Stuck { path: Path::ROOT, reason });
            }
            (2, Cause::Step(_)) if self.run.in_flight.is_empty() => {
                self.run.set_out(Path::ROOT);
            }
            _ => self.apply(Event::Undone(cause)),
        }
    }

    /// The run can't go on.
    fn get_stuck(&mut self) {
        let Life::At { calls, .. } = &self.run.life else { return };
        let open: Vec<(Path, Call)> = calls.iter().map(|(path, call)| (path.clone(), call.clone())).collect();
        let (path, call) = open[self.dice.index(open.len())].clone();
        let reason = match call.waiting_for {
            WaitingFor::Step { .. } => panicked(),
            WaitingFor::Child { id } if call.retry.is_none() => ParkReason::ChildCancelled { child: id },
            _ => ParkReason::WorkflowPanicked { state: "Group".into(), message: "no".into() },
        };
        self.apply(Event::Stuck { path, reason });
    }

    /// A message comes.
    fn deliver(&mut self) {
        let child = self.awaited_child();
        let kind = match (self.dice.below(16), child) {
            (_, Some(child)) if self.dice.below(3) == 0 => end_kind(&child),
            (0, _) => "verb:cancel".to_owned(),
            (1, _) => "verb:abort".to_owned(),
            (2, _) => "verb:pause".to_owned(),
            (3, _) => "verb:resume".to_owned(),
            (4..8, _) => if self.run.parked.is_some() { "verb:retry" } else { "verb:resume" }.to_owned(),
            (8, _) => "verb:dance".to_owned(),
            (9, _) => "child:nobody".to_owned(),
            (10..13, _) => "signal:Hello".to_owned(),
            _ => "signal:Other".to_owned(),
        };
        self.seq += 1;
        let message = message(self.seq, &kind, self.now);
        self.stored.deliver(message.clone());
        self.run.seen = message.seq;
        self.run.inbox.push(message);
    }

    /// One of the children that are awaited and have not ended.
    fn awaited_child(&mut self) -> Option<RunId> {
        let told = |id: &RunId| self.run.inbox.iter().any(|message| message.kind == end_kind(id));
        let open = self.run.calls().into_iter().filter_map(|call| match &call.waiting_for {
            WaitingFor::Child { id } if call.retry.is_none() && !told(id) => Some(id.clone()),
            _ => None,
        });
        let open: Vec<RunId> = open.collect();
        (!open.is_empty()).then(|| open[self.dice.index(open.len())].clone())
    }
}
