//! The contract that the code of `#[workflow]` calls.

use std::{mem, time::Duration};

use serde_json::value::RawValue;

use crate::{
    machine::{Outcome, Transition, Undoing},
    snapshot::LoadError,
    suspend::{Elapsed, Outcomes, Suspend, Timeout, spawn},
};

/// A call as the field of a state: a step is one, a workflow becomes a child.
pub fn call<C: Suspend, A: Into<C>>(call: A) -> C {
    call.into()
}

/// A workflow that is to run by itself.
pub fn spawned<C: Suspend>(workflow: C) -> spawn<C> {
    spawn { workflow }
}

/// The duration of `.timeout(…)`.
#[must_use]
pub fn limit(duration: Duration) -> Duration {
    duration
}

/// The limit of `join_all!`.
#[must_use]
pub fn at_most(branches: usize) -> usize {
    branches
}

/// A call that may take a limited time.
pub fn timeout<C: Suspend>(call: C, limit: Duration) -> Timeout<C> {
    Timeout { call, limit }
}

/// Which branch of a `select!` was first: a choice of as many types as there are branches.
#[derive(Debug)]
pub enum Won<A, R> {
    /// The first one, with its output.
    This(A),
    /// One of those after it.
    Later(R),
}

/// The outcome of the call that the state waited for.
///
/// # Panics
///
/// If it was taken before, which is a defect of the macro.
pub fn outcome<C: Suspend>(outcome: &mut Option<Outcome>) -> C::Output {
    given(outcome)
}

/// The outcome of the branches that the state waited for.
///
/// # Panics
///
/// As [`outcome`].
pub fn outputs(outcome: &mut Option<Outcome>) -> Outcomes {
    given(outcome)
}

/// As [`outputs`], for branches that had a limited time.
///
/// # Errors
///
/// If it is over.
///
/// # Panics
///
/// As [`outcome`].
pub fn outputs_in_time(outcome: &mut Option<Outcome>) -> Result<Outcomes, Elapsed> {
    given(outcome)
}

fn given<T: 'static>(outcome: &mut Option<Outcome>) -> T {
    match outcome.take() {
        Some(outcome) => outcome.take(),
        None => panic!("an outcome was taken twice: this is a defect of `#[workflow]`"),
    }
}

/// Moves a field into an empty place. Nothing is dropped and nothing can unwind.
#[inline]
pub fn fill<T>(place: &mut T, value: T) {
    mem::forget(mem::replace(place, value));
}

/// Takes a field out of the frame.
///
/// # Panics
///
/// If it is not there, which is a defect of the macro.
#[inline(never)]
pub extern "C" fn taken<T>(field: &mut Option<T>) -> T {
    match field.take() {
        Some(value) => value,
        None => panic!("a state lacks a local that it saves: this is a defect of `#[workflow]`"),
    }
}

/// A return type that `?` leaves early: `Result` or `Option`, also under an alias.
#[diagnostic::on_unimplemented(
    message = "`?` can't be used in what returns `{Self}`",
    label = "this uses `?`, so it must return a `Result` or an `Option`"
)]
pub trait Tried: Sized {
    /// What is inside.
    type Value;
    /// The same type around something else.
    type Around<T>;
    /// Wraps a value.
    fn around<T>(value: T) -> Self::Around<T>;
    /// Changes the value inside.
    fn map<T>(self, change: impl FnOnce(Self::Value) -> T) -> Self::Around<T>;
    /// Makes a whole output of a transition that was wrapped.
    fn close<M>(around: Self::Around<Transition<M, Self::Value>>) -> Transition<M, Self>;
}

impl<V, E> Tried for Result<V, E> {
    type Value = V;
    type Around<T> = Result<T, E>;

    fn around<T>(value: T) -> Result<T, E> {
        Ok(value)
    }

    fn map<T>(self, change: impl FnOnce(V) -> T) -> Result<T, E> {
        Self::map(self, change)
    }

    fn close<M>(around: Result<Transition<M, V>, E>) -> Transition<M, Self> {
        match around {
            Ok(transition) => transition.map(Ok),
            Err(error) => Transition::Done(Err(error)),
        }
    }
}

impl<V> Tried for Option<V> {
    type Value = V;
    type Around<T> = Option<T>;

    fn around<T>(value: T) -> Option<T> {
        Some(value)
    }

    fn map<T>(self, change: impl FnOnce(V) -> T) -> Option<T> {
        Self::map(self, change)
    }

    fn close<M>(around: Option<Transition<M, V>>) -> Transition<M, Self> {
        match around {
            Some(transition) => transition.map(Some),
            None => Transition::Done(None),
        }
    }
}

/// The end of a workflow.
pub fn done<M, R>(output: R) -> Transition<M, R> {
    Transition::Done(output)
}

/// The end of a workflow whose code uses `?`.
pub fn done_tried<M, R: Tried>(output: R) -> R::Around<Transition<M, R::Value>> {
    output.map(Transition::Done)
}

/// A stored state that the workflow doesn't have.
#[must_use]
pub fn unknown_state(workflow: &'static str, state: &str) -> LoadError {
    LoadError::UnknownState { workflow, state: state.to_owned() }
}

/// A stored `compensate!` that the workflow doesn't have.
#[must_use]
pub fn unknown_undo(workflow: &'static str, name: &str) -> LoadError {
    LoadError::UnknownUndo { workflow, name: name.to_owned() }
}

/// Makes a call that `compensate!` pushed anew.
///
/// # Errors
///
/// If the JSON is not such a call.
pub fn undoing<C: Suspend>(json: &RawValue, failed: fn(&C::Output) -> bool) -> Result<Undoing, LoadError> {
    serde_json::from_str::<C>(json.get()).map(|call| Undoing::new(call, failed)).map_err(LoadError::undo)
}

/// The value of a branch that did not fail.
///
/// # Panics
///
/// If it failed, which is a defect of the engine.
pub fn good<T, E>(output: Result<T, E>) -> T {
    let Ok(value) = output else {
        panic!("a branch of `try_join!` failed and did not end it: this is a defect of refluxo");
    };
    value
}

/// The error of the branch that ended a `try_join!`.
///
/// # Panics
///
/// If it did not fail, which is a defect of the engine.
pub fn bad<T, E>(output: Result<T, E>) -> E {
    let Err(error) = output else {
        panic!("a branch ended `try_join!` and did not fail: this is a defect of refluxo");
    };
    error
}

/// What a call in a `try_join!` gave, which is a `Result`: its methods are [`good`] and [`bad`].
#[derive(Debug)]
pub struct Given<R>(pub R);

impl<T, E> Given<Result<T, E>> {
    /// The value.
    pub fn good(self) -> T {
        good(self.0)
    }

    /// The error.
    pub fn bad(self) -> E {
        bad(self.0)
    }
}

/// The methods of what is no `Result`. That this is a mistake is told by the twin; nothing that is compiled to its end calls them.
pub trait NoResult<R> {
    /// Itself.
    fn good(self) -> R;
    /// Anything.
    fn bad<E>(self) -> E;
}

impl<R> NoResult<R> for Given<R> {
    fn good(self) -> R {
        const { panic!("what can't fail is no branch of `try_join!`: this is a defect of `#[workflow]`") }
    }

    fn bad<E>(self) -> E {
        const { panic!("what can't fail is no branch of `try_join!`: this is a defect of `#[workflow]`") }
    }
}
