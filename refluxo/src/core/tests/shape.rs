//! Machines that wait for whatever a test says.

use std::time::Duration;

use crate::{
    engine::{AnyFrame, AnyMachine},
    snapshot::StateWriter,
    suspend::{AnyGroup, Begin, Deadline, Pending, Rule},
};

/// A machine at a state.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// Empty for a call that is a branch.
    pub(super) at: &'static str,
    pub(super) waits: Waits,
    pub(super) limit: Option<Duration>,
    /// A field that stays the same from state to state.
    pub(super) large: String,
}

/// What it waits for.
#[derive(Clone, Debug)]
pub(super) enum Waits {
    Start,
    Step(&'static str),
    Sleep(Duration),
    Signal(&'static str),
    Child(Box<Shape>),
    Spawn(Box<Shape>),
    Group(Branches),
}

/// Branches.
#[derive(Clone, Debug)]
pub(super) struct Branches {
    pub(super) rule: Rule,
    pub(super) limit: Option<u32>,
    pub(super) members: Vec<Shape>,
}

impl Waits {
    /// A machine that waits for this.
    pub(super) fn at(self, at: &'static str) -> Shape {
        Shape { at, waits: self, limit: None, large: String::new() }
    }
}

impl Shape {
    /// As it is, but for so many seconds at most.
    pub(super) fn limited(self, seconds: u64) -> Self {
        Self { limit: Some(Duration::from_secs(seconds)), ..self }
    }
}

pub(super) fn start() -> Shape {
    Waits::Start.at("Start")
}

pub(super) fn step() -> Shape {
    Waits::Step("charge").at("Charge")
}

pub(super) fn signal(name: &'static str) -> Shape {
    Waits::Signal(name).at(name)
}

pub(super) fn sleep(seconds: u64) -> Shape {
    Waits::Sleep(Duration::from_secs(seconds)).at("Sleep")
}

pub(super) fn child() -> Shape {
    Waits::Child(Box::new(start())).at("Ship")
}

pub(super) fn spawn() -> Shape {
    Waits::Spawn(Box::new(start())).at("Spawn")
}

pub(super) fn group(rule: Rule, branches: impl Into<Vec<Shape>>) -> Shape {
    Waits::Group(Branches { rule, limit: None, members: branches.into() }).at("Group")
}

pub(super) fn join(branches: impl Into<Vec<Shape>>) -> Shape {
    group(Rule::All, branches)
}

pub(super) fn join_all(limit: u32, branches: impl Into<Vec<Shape>>) -> Shape {
    Waits::Group(Branches { rule: Rule::All, limit: Some(limit), members: branches.into() }).at("Group")
}

impl AnyMachine for Shape {
    fn workflow(&self) -> &'static str {
        "shape"
    }

    fn version(&self) -> u32 {
        3
    }

    fn at(&self) -> &str {
        self.at
    }

    fn pending(&self) -> Pending<'_> {
        match &self.waits {
            Waits::Start => Pending::Start,
            Waits::Step(name) => Pending::Step { name },
            Waits::Sleep(duration) => Pending::Timer(Deadline::After(*duration)),
            Waits::Signal(name) => Pending::Signal { name },
            Waits::Child(child) => Pending::Child(&**child),
            Waits::Spawn(spawned) => Pending::Spawn(&**spawned),
            Waits::Group(branches) => Pending::Group(branches),
        }
    }

    fn limit(&self) -> Option<Duration> {
        self.limit
    }

    fn encode(&self, writer: &mut StateWriter<'_>) {
        writer.stable_field(0, "large", &self.large);
    }

    fn begin(self: Box<Self>) -> (Begin, Box<dyn AnyFrame>) {
        panic!("the core performs nothing")
    }
}

impl AnyGroup for Branches {
    fn rule(&self) -> Rule {
        self.rule
    }

    fn limit(&self) -> Option<u32> {
        self.limit
    }

    fn len(&self) -> u32 {
        u32::try_from(self.members.len()).expect("few branches")
    }

    fn branch(&self, number: u32) -> &dyn AnyMachine {
        &self.members[number as usize]
    }
}
