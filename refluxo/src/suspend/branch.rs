//! What is awaited together with others.
//!
//! A branch is a call ([`Leaf`]) or an `async move` block ([`Block`]), which is a state of the workflow's own enum. To the
//! engine both are machines.

use std::{fmt, marker::PhantomData, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{Begin, Pending, ReadOutcome, Suspend};
use crate::{
    engine::{AnyFrame, AnyMachine, AnyTransition},
    local::{Local, Saved},
    machine::{BranchEnd, Description, Machine, Outcome, Undoing, Undos, WriteOutcome},
    snapshot::{LoadError, StateWriter, save_json},
};

/// A call as a branch: a machine of one state. `K` says what becomes of its output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Leaf<C, K> {
    /// The call.
    pub call: C,
    #[serde(skip)]
    kind: K,
}

/// A call in `join!` or `join_all!`.
pub type Kept<C> = Leaf<C, Keep>;

/// A call in `try_join!`.
pub type Fallible<C> = Leaf<C, Try>;

/// A call in `select!`.
pub type One<C> = Leaf<C, First>;

/// The output is saved until the other branches have ended.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep;

/// The output is saved too, unless it is an `Err`, which ends the group.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Try;

/// The output ends the group, so it is not saved.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct First;

/// The output ends the call; it may be an `Err`.
struct Undo<T>(fn(&T) -> bool);

/// What becomes of an output of the type `T`.
#[doc(hidden)]
pub trait Ending<T>: Send + 'static {
    /// How it is stored, if it is.
    const STORED: Option<Stored>;

    /// Whether it ends a group that the first failure ends.
    fn failed(&self, output: &T) -> bool;
}

/// How an output is stored.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Stored {
    write: WriteOutcome,
    read: ReadOutcome,
}

impl Stored {
    /// As JSON.
    const fn as_json<T: Saved>() -> Self {
        Self { write: write::<T>, read: read::<T> }
    }
}

/// A value that a branch can return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the output of a branch",
    label = "the output of a branch is saved until the others have ended, and `{Self}` can't be",
    note = "derive `Serialize` and `Deserialize` for it, or return something that is data"
)]
pub trait BranchOutput: Saved {}

#[diagnostic::do_not_recommend]
impl<T: Saved> BranchOutput for T {}

impl<T: BranchOutput> Ending<T> for Keep {
    const STORED: Option<Stored> = Some(Stored::as_json::<T>());

    fn failed(&self, _: &T) -> bool {
        false
    }
}

impl<T, E> Ending<Result<T, E>> for Try
where
    Result<T, E>: BranchOutput,
{
    const STORED: Option<Stored> = Some(Stored::as_json::<Result<T, E>>());

    fn failed(&self, output: &Result<T, E>) -> bool {
        output.is_err()
    }
}

impl<T> Ending<T> for First {
    const STORED: Option<Stored> = None;

    fn failed(&self, _: &T) -> bool {
        false
    }
}

impl<T: 'static> Ending<T> for Undo<T> {
    const STORED: Option<Stored> = None;

    fn failed(&self, output: &T) -> bool {
        (self.0)(output)
    }
}

/// Writes an output of the type `T`.
fn write<T: Saved>(outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    match outcome.get::<T>() {
        Some(output) => save_json(output, out),
        None => Err(serde::ser::Error::custom("it is the output of another branch")),
    }
}

/// Reads an output of the type `T`.
fn read<T: Saved>(json: &RawValue) -> Result<Outcome, LoadError> {
    serde_json::from_str::<T>(json.get()).map(Outcome::new).map_err(LoadError::branch)
}

/// Reads an output that is not stored.
fn not_stored(_: &RawValue) -> Result<Outcome, LoadError> {
    Err(LoadError::branch(serde::de::Error::custom("a branch of its kind has no stored output")))
}

impl<C: Suspend, K: Default> Leaf<C, K> {
    /// The branch that is this call.
    pub fn new(call: C) -> Self {
        Self { call, kind: K::default() }
    }
}

impl Undoing {
    /// A call; `failed` judges its output.
    pub fn new<C: Suspend>(call: C, failed: fn(&C::Output) -> bool) -> Self {
        Self(Box::new(Leaf { call, kind: Undo(failed) }))
    }

    /// The machine of one state.
    #[must_use]
    pub fn into_machine(self) -> Box<dyn AnyMachine> {
        self.0
    }
}

impl<C: Suspend, K: Ending<C::Output>> AnyMachine for Leaf<C, K> {
    fn workflow(&self) -> &'static str {
        ""
    }

    fn version(&self) -> u32 {
        0
    }

    fn at(&self) -> &'static str {
        ""
    }

    fn pending(&self) -> Pending<'_> {
        self.call.pending()
    }

    fn limit(&self) -> Option<Duration> {
        self.call.limit()
    }

    fn encode(&self, writer: &mut StateWriter<'_>) {
        writer.field("call", &self.call);
    }

    fn begin(self: Box<Self>) -> (Begin, Box<dyn AnyFrame>) {
        let Self { call, kind } = *self;
        (call.begin(), Box::new(LeafFrame::<C, K>(kind, PhantomData)))
    }
}

/// What waits for the outcome of a leaf's call.
struct LeafFrame<C, K>(K, PhantomData<fn() -> C>);

impl<C: Suspend, K: Ending<C::Output>> AnyFrame for LeafFrame<C, K> {
    fn resume(self: Box<Self>, outcome: Outcome, _: &mut Undos) -> AnyTransition {
        let failed = outcome.get().is_some_and(|output| self.0.failed(output));
        let write = K::STORED.map(|stored| stored.write);
        AnyTransition::Branch(BranchEnd { outcome, failed, write })
    }
}

/// An `async move` block as a branch: a state of the enum of the workflow in which it stands.
///
/// Boxed, since it stands in a field of that enum.
pub struct Block<M>(Box<M>);

impl<M> Block<M> {
    /// The branch that is at this state.
    pub fn new(state: M) -> Self {
        Self(Box::new(state))
    }

    /// Its state.
    #[must_use]
    pub fn state(&self) -> &M {
        &self.0
    }
}

impl<M: fmt::Debug> fmt::Debug for Block<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Block").field(&self.0).finish()
    }
}

impl<M: Clone> Clone for Block<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: Serialize> Serialize for Block<M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, M: Deserialize<'de>> Deserialize<'de> for Block<M> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        M::deserialize(deserializer).map(|state| Self(Box::new(state)))
    }
}

/// One of several calls that are awaited together.
pub trait Branch: Saved {
    /// Reads its output from what was stored of it.
    const READ: ReadOutcome;

    /// Its first state.
    fn machine(&self) -> &dyn AnyMachine;

    /// Hands the first state over.
    fn into_machine(self) -> Box<dyn AnyMachine>;

    /// Adds what it needs to the workflow's description.
    fn describe(description: &mut Description);
}

impl<C: Suspend, K: Ending<C::Output> + Default> Branch for Leaf<C, K> {
    const READ: ReadOutcome = match K::STORED {
        Some(stored) => stored.read,
        None => not_stored,
    };

    fn machine(&self) -> &dyn AnyMachine {
        self
    }

    fn into_machine(self) -> Box<dyn AnyMachine> {
        Box::new(self)
    }

    fn describe(description: &mut Description) {
        C::describe(description);
    }
}

impl<M> Branch for Block<M>
where
    M: Machine + Serialize + for<'de> Deserialize<'de>,
{
    /// The block's own code decodes it.
    const READ: ReadOutcome = |json| Ok(Outcome::new(Local::stored(json.to_owned())));

    fn machine(&self) -> &dyn AnyMachine {
        &*self.0
    }

    fn into_machine(self) -> Box<dyn AnyMachine> {
        self.0
    }

    /// Nothing: its calls are calls of the workflow in which it stands.
    fn describe(_: &mut Description) {}
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::value::to_raw_value;

    use super::{Branch, Fallible, Kept, One};
    use crate::{
        engine::{AnyMachine, AnyTransition},
        machine::{BranchEnd, Outcome, Undoing, Undos},
        suspend::{Elapsed, Timeout, sleep},
    };

    /// What a [`call`] gives.
    type Output = Result<(), Elapsed>;

    /// A call that may fail.
    fn call() -> Timeout<sleep> {
        Timeout { call: sleep(Duration::from_mins(1)), limit: Duration::from_secs(1) }
    }

    /// Ends a branch with what its call gave.
    fn end(branch: Box<dyn AnyMachine>, output: Output) -> BranchEnd {
        let (_, frame) = branch.begin();
        match frame.resume(Outcome::new(output), &mut Undos::default()) {
            AnyTransition::Branch(end) => end,
            _ => panic!("a leaf has no second state"),
        }
    }

    #[test]
    fn only_a_fallible_branch_and_an_undo_call_fail() {
        assert!(!end(Kept::new(call()).into_machine(), Err(Elapsed)).failed);
        assert!(!end(One::new(call()).into_machine(), Err(Elapsed)).failed);
        assert!(end(Fallible::new(call()).into_machine(), Err(Elapsed)).failed);
        assert!(!end(Fallible::new(call()).into_machine(), Ok(())).failed);
        assert!(end(Undoing::new(call(), Result::is_err).into_machine(), Err(Elapsed)).failed);
    }

    #[test]
    fn the_output_of_a_join_is_stored_and_that_of_a_select_is_not() {
        let BranchEnd { outcome, write, .. } = end(Kept::new(call()).into_machine(), Err(Elapsed));
        let mut json = Vec::new();
        write.expect("it is stored")(&outcome, &mut json).expect("it has JSON");
        let json: Box<serde_json::value::RawValue> = serde_json::from_slice(&json).expect("it is JSON");
        assert_eq!(
            Kept::<Timeout<sleep>>::READ(&json).expect("it reads back").take::<Output>(),
            Err(Elapsed)
        );

        assert!(end(One::new(call()).into_machine(), Ok(())).write.is_none());
        let json = to_raw_value(&Ok::<(), ()>(())).expect("it has JSON");
        assert!(One::<Timeout<sleep>>::READ(&json).is_err());
    }

    #[test]
    fn an_output_of_another_type_is_not_written() {
        let BranchEnd { write, .. } = end(Kept::new(call()).into_machine(), Ok(()));
        assert!(write.expect("it is stored")(&Outcome::new(7_u8), &mut Vec::new()).is_err());
    }
}
