//! What generated code implements: a workflow as a state machine.
//!
//! A run is a value of the workflow's enum. The engine takes it apart with [`Machine::begin`] into what has to be performed
//! (a step, a timer, …) and the [`Machine::Frame`] that waits for the outcome, and puts the two together again with
//! [`Machine::resume`], which runs the user's code up to the next await. Nothing is serialized on that way.

use std::{any::Any, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    engine::AnyMachine,
    local::{Local, Saved},
    snapshot::{LoadError, StateReader, StateWriter},
    suspend::{Begin, Pending, Suspend, TransactionType},
};

/// A workflow, compiled to a state machine: the enum that `#[workflow]` generates.
///
/// One value is one state: "about to perform this call, with these locals". Serialized, it is the workflow's part of the
/// snapshot.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a workflow",
    label = "expected the enum that `#[workflow]` generates"
)]
pub trait Machine: Sized + Send + 'static {
    /// What the workflow returns.
    type Output: Saved;

    /// A state without its call: the locals that wait for the call's outcome.
    type Frame: Send + 'static;

    /// The workflow's name; unique in a store.
    const NAME: &'static str;

    /// The workflow's version; a worker claims runs of this version and of those below.
    const VERSION: u32;

    /// The states and how they follow one another.
    const GRAPH: &'static Graph;

    /// The name of the state.
    fn at(&self) -> &'static str;

    /// What this state waits for or performs.
    fn pending(&self) -> Pending<'_>;

    /// Takes the state apart: what to perform, and the frame that waits for its outcome.
    fn begin(self) -> (Begin, Self::Frame);

    /// Runs the workflow's code from the outcome of a call to the next await or to the end.
    ///
    /// # Panics
    ///
    /// Where the workflow's own code panics.
    fn resume(frame: Self::Frame, outcome: Outcome, undos: &mut Undos) -> Transition<Self, Self::Output>;

    /// How long this state may last: the duration of `.timeout(…)`.
    fn limit(&self) -> Option<Duration> {
        None
    }

    /// Makes the call of an undo entry of this name anew, from its JSON.
    ///
    /// # Errors
    ///
    /// If the workflow has no `compensate!` of such a call, or the JSON is not one.
    fn undo(name: &str, call: &RawValue) -> Result<Undoing, LoadError> {
        let _ = call;
        Err(LoadError::UnknownUndo { workflow: Self::NAME, name: name.to_owned() })
    }

    /// Writes the fields of the state.
    fn encode(&self, writer: &mut StateWriter<'_>);

    /// Reads the state of the name `at`.
    ///
    /// # Errors
    ///
    /// If there is no such state, or a field is missing, foreign or of another type.
    fn decode(at: &str, reader: StateReader<'_>) -> Result<Self, LoadError>;

    /// Names every call of the workflow, for the checks of `Engine::build`.
    fn describe(description: &mut Description);

    /// Whether the run has failed if its function returned `output`: whether that is an `Err`.
    ///
    /// Generated code asks a [`Verdict`].
    fn failed(output: &Self::Output) -> bool {
        let _ = output;
        false
    }
}

/// Asks a workflow's output whether it is an `Err`, whatever name its type goes by.
///
/// The basic idea is as follows: an inherent method is found before a trait's, so `Verdict(&output).failed()` is this
/// one for every `Result`, and that of [`NeverFails`] for all other types. rustc decides it, not a guess at tokens.
///
/// ```
/// use refluxo::machine::{NeverFails as _, Verdict};
///
/// type Alias = Result<u8, String>;
/// let refused: Alias = Err("no".to_owned());
/// assert!(Verdict(&refused).failed());
/// assert!(!Verdict(&7_u8).failed());
/// ```
#[derive(Debug)]
pub struct Verdict<'a, T>(pub &'a T);

impl<T, E> Verdict<'_, Result<T, E>> {
    /// Whether it is an `Err`.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.0.is_err()
    }
}

impl<T, E: fmt::Display> Verdict<'_, Result<T, E>> {
    /// What the `Err` says.
    ///
    /// To be asked as `(&Verdict(&output)).words()`, so that the methods of [`ShownWords`] and [`NoWords`] are found for errors
    /// that have no `Display`.
    #[must_use]
    pub fn words(&self) -> Option<String> {
        self.0.as_ref().err().map(E::to_string)
    }
}

/// The words of errors that have `Debug` alone.
pub trait ShownWords {
    /// What the `Err` shows.
    fn words(&self) -> Option<String>;
}

impl<T, E: fmt::Debug> ShownWords for Verdict<'_, Result<T, E>> {
    fn words(&self) -> Option<String> {
        self.0.as_ref().err().map(|error| format!("{error:?}"))
    }
}

/// The words of all other outputs.
pub trait NoWords {
    /// None.
    fn words(&self) -> Option<String> {
        None
    }
}

impl<T> NoWords for &Verdict<'_, T> {}

/// The verdict on outputs that are no `Result`.
pub trait NeverFails {
    /// No.
    fn failed(&self) -> bool {
        false
    }
}

impl<T> NeverFails for Verdict<'_, T> {}

/// Where a workflow stands after its code ran.
#[derive(Debug)]
pub enum Transition<M, T> {
    /// At an await: the new state, and which of its fields were written since the last one.
    Suspend(M, Changes),
    /// At its end.
    Done(T),
    /// At the end of one of its branches.
    Branch(BranchEnd),
    /// Nowhere: the stored state could not be read. No user code has run.
    Unreadable(LoadError),
}

impl<M, T> Transition<M, T> {
    /// Changes the output, if the workflow is at its end.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Transition<M, U> {
        match self {
            Self::Suspend(state, changes) => Transition::Suspend(state, changes),
            Self::Done(output) => Transition::Done(change(output)),
            Self::Branch(end) => Transition::Branch(end),
            Self::Unreadable(error) => Transition::Unreadable(error),
        }
    }
}

/// What a branch of a join gave.
#[derive(Debug)]
pub struct BranchEnd {
    /// Its output.
    pub outcome: Outcome,
    /// Whether that is an `Err` (or a `None`) that ends a `try_join!`.
    pub failed: bool,
    /// Writes the output's JSON; absent where the output is never saved.
    pub write: Option<WriteOutcome>,
}

/// Appends the JSON of an outcome to a text.
pub type WriteOutcome = fn(&Outcome, &mut Vec<u8>) -> Result<(), serde_json::Error>;

/// The calls that `compensate!` pushed while the workflow's code ran from one await to the next, in their order.
///
/// They are no part of the [`Transition`], because `?` leaves the code with nothing but the error.
#[derive(Debug, Default)]
pub struct Undos(Vec<(&'static str, Local)>);

impl Undos {
    /// Pushes a call; the name is that by which [`Machine::undo`] knows it.
    pub fn push<C: Suspend>(&mut self, name: &'static str, call: C) {
        self.0.push((name, Local::new(call)));
    }

    /// The calls with their names.
    #[must_use]
    pub fn into_calls(self) -> Vec<(&'static str, Local)> {
        self.0
    }
}

/// A call that undoes what was done, ready to be performed: a machine of one state that ends as a branch does.
pub struct Undoing(pub(crate) Box<dyn AnyMachine>);

/// Which fields of a new state may differ from the state before it.
///
/// Fields are numbered over all states of a workflow; those from the 64th on always count as changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes(u64);

impl Changes {
    /// No field changed.
    #[must_use]
    pub const fn none() -> Self {
        Self(0)
    }

    /// Every field changed, or nothing is known of the state before.
    #[must_use]
    pub const fn all() -> Self {
        Self(u64::MAX)
    }

    /// Records whether the field of this number changed.
    pub fn note(&mut self, field: usize, changed: bool) {
        if field < 64 {
            self.0 |= u64::from(changed) << field;
        }
    }

    /// Whether the field of this number may have changed.
    #[must_use]
    pub fn has(&self, field: usize) -> bool {
        field >= 64 || self.0 >> field & 1 == 1
    }
}

/// Some of a workflow's fields, by their numbers.
#[derive(Clone, Copy, Debug)]
pub struct FieldSet(Option<&'static [u64]>);

impl FieldSet {
    /// Every field.
    pub const ALL: Self = Self(None);

    /// The fields whose bits are set, 64 in a word, the lowest first.
    #[must_use]
    pub const fn of(words: &'static [u64]) -> Self {
        Self(Some(words))
    }

    /// Whether the field of this number is one of them.
    #[must_use]
    pub fn has(self, field: usize) -> bool {
        self.0.is_none_or(|words| words.get(field / 64).is_some_and(|word| word >> (field % 64) & 1 == 1))
    }
}

/// The outcome of a call, on its way to the state machine.
#[derive(Debug)]
pub struct Outcome(Box<dyn Any + Send>);

impl Outcome {
    /// The outcome of a call whose [`Suspend::Output`] is `T`.
    pub fn new<T: Send + 'static>(output: T) -> Self {
        Self(Box::new(output))
    }

    /// The output, to look at; `None` if it is of another type.
    #[must_use]
    pub fn get<T: 'static>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }

    /// The output.
    ///
    /// # Panics
    ///
    /// If it is of another type: the engine handed a state the outcome of another state's call.
    #[must_use]
    pub fn take<T: 'static>(self) -> T {
        let Ok(output) = self.0.downcast() else {
            panic!(
                "the outcome of another call was handed to a state that expects `{}`",
                std::any::type_name::<T>()
            );
        };
        *output
    }
}

/// The states of a workflow and how they follow one another; for diagrams and checks.
#[derive(Debug)]
pub struct Graph {
    /// The states in the order of the source; the first is `Start`.
    pub states: &'static [StateInfo],
}

/// One state in a [`Graph`].
#[derive(Debug)]
pub struct StateInfo {
    /// The state's name: the variant.
    pub name: &'static str,
    /// The states that may come next.
    pub next: &'static [&'static str],
    /// Whether the workflow may end after this state.
    pub ends: bool,
    /// The first states of its branches, if it is a join of `async move` blocks.
    pub branches: &'static [&'static str],
}

/// The calls of a workflow and what they need, collected by [`Machine::describe`].
#[derive(Debug, Default)]
pub struct Description {
    requirements: Vec<Requirement>,
    transactions: Vec<(&'static str, TransactionType)>,
    children: Vec<ChildInfo>,
    signals: Vec<&'static str>,
}

/// A resource that a step takes by `#[inject]`.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// The step's name.
    pub step: &'static str,
    /// The resource's type.
    pub resource: std::any::TypeId,
    /// The resource's type in words.
    pub resource_name: &'static str,
}

/// A workflow that another one awaits.
#[derive(Clone, Copy, Debug)]
pub struct ChildInfo {
    /// The child's name.
    pub name: &'static str,
    /// Registers the child's type with an engine builder's registry.
    pub register: fn(&mut crate::engine::Registry),
}

impl Description {
    /// Adds what a call needs.
    pub fn call<C: Suspend>(&mut self) {
        C::describe(self);
    }

    /// Adds a resource that a step takes.
    pub fn require<R: 'static>(&mut self, step: &'static str) {
        self.requirements.push(Requirement {
            step,
            resource: std::any::TypeId::of::<R>(),
            resource_name: std::any::type_name::<R>(),
        });
    }

    /// Adds the transaction that a step writes in.
    pub fn require_transaction<T: Any>(&mut self, step: &'static str) {
        self.transactions.push((step, TransactionType::of::<T>()));
    }

    /// Adds a workflow that is awaited as a child.
    pub fn child<M: Machine>(&mut self) {
        self.children.push(ChildInfo { name: M::NAME, register: crate::engine::Registry::add::<M> });
    }

    /// Adds a signal that is awaited.
    pub fn signal(&mut self, name: &'static str) {
        if !self.signals.contains(&name) {
            self.signals.push(name);
        }
    }

    /// The names of the signals, each once, in the order of the calls.
    #[must_use]
    pub fn signals(&self) -> &[&'static str] {
        &self.signals
    }

    /// The resources, in the order of the calls.
    #[must_use]
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The steps that write in the store's transaction, with its type, in the order of the calls.
    #[must_use]
    pub fn transactions(&self) -> &[(&'static str, TransactionType)] {
        &self.transactions
    }

    /// The children, in the order of the calls.
    #[must_use]
    pub fn children(&self) -> &[ChildInfo] {
        &self.children
    }
}

/// A workflow that awaits the signal `S` somewhere.
#[diagnostic::on_unimplemented(
    message = "the workflow `{Self}` never awaits the signal `{S}`",
    label = "not a signal of `{Self}`",
    note = "a run can only be sent what its workflow awaits by `signal::<{S}>().await`"
)]
pub trait Accepts<S: crate::suspend::Signal>: Machine {}

/// What no workflow awaits and nobody can send.
///
/// Every workflow accepts it and [`Nobody`]: so there is always more than one candidate for `S`, and rustc takes the type that
/// is sent for what it is. With one candidate it would expect that one, and with none it would not name any.
#[doc(hidden)]
#[derive(Debug, Serialize, Deserialize)]
pub enum Nothing {}

/// As [`Nothing`].
#[doc(hidden)]
#[derive(Debug, Serialize, Deserialize)]
pub enum Nobody {}

impl crate::suspend::Signal for Nothing {
    const NAME: &'static str = "";
}

impl crate::suspend::Signal for Nobody {
    const NAME: &'static str = "";
}
