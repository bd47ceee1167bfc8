//! What the twin of a workflow calls: the same as an await or a form, to rustc's eyes alone.
//!
//! The twin is a plain function that is never called. A form is a value in it, and [`awaited`] gives what awaiting it gives.

#![expect(clippy::must_use_candidate, reason = "whether a value must be used is told by its type")]

use std::{convert::Infallible, marker::PhantomData, time::Duration};

use crate::{
    machine::Machine,
    store::RunId,
    suspend::{BranchOutput, Elapsed, Suspend},
    workflow::Won,
};

/// What a workflow can await, as the twin sees it: a call, a workflow or a form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be awaited in a workflow",
    label = "not a step, a timer, a signal or a workflow",
    note = "put `#[step]` on the function that is called here"
)]
pub trait Awaitable {
    /// What awaiting it gives.
    type Output;
}

impl<C: Suspend> Awaitable for C {
    type Output = C::Output;
}

/// Something that can be awaited and gives a `T`.
pub struct Gives<T>(PhantomData<fn() -> T>);

impl<T> Awaitable for Gives<T> {
    type Output = T;
}

/// Stands for whatever the twin would do if it were run.
fn never() -> ! {
    unreachable!("the twin of a workflow is never called")
}

/// Stands for an await.
pub fn awaited<A: Awaitable<Output = T>, T>(_: A) -> T {
    never()
}

/// Stands for `X.timeout(limit)`.
pub fn in_time<A: Awaitable<Output = T>, T>(_: A, _: Duration) -> Gives<Result<T, Elapsed>> {
    never()
}

/// What `X.timeout(limit)` is without an await: never what was meant.
#[diagnostic::on_unimplemented(
    message = "a call with a limit is awaited: write `.timeout(…).await`",
    label = "its `.await` is missing"
)]
pub trait WithoutAwait {}

/// In scope where a `.timeout(…)` stands without an await, behind the methods of the type itself.
pub trait Timed: Awaitable + Sized {
    /// Can't be called.
    fn timeout(self, _: Duration) -> Gives<Self>
    where
        Self: WithoutAwait,
    {
        never()
    }
}

impl<A: Awaitable> Timed for A {}

/// Stands for `spawn(workflow)`.
pub fn spawned<M: Machine>(_: M) -> Gives<RunId> {
    never()
}

/// Stands for `compensate!(call)`.
pub fn compensated<A: Awaitable>(_: A) {
    never()
}

/// Stands for an `async move` block as a branch.
pub fn block<F: Future<Output = T>, T>(_: F) -> Gives<T> {
    never()
}

/// A branch that gives a `T`.
pub struct Branch<T>(PhantomData<fn() -> T>);

/// Stands for a branch of `join!` or `join_all!`.
pub fn kept<A: Awaitable<Output = T>, T: BranchOutput>(_: A) -> Branch<T> {
    never()
}

/// The one error of all branches of a `try_join!`.
pub struct Errors<E>(PhantomData<fn() -> E>);

impl<E> Errors<E> {
    /// Not known yet.
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

/// Stands for a branch of `try_join!`.
pub fn fallible<A: Awaitable<Output = R>, R: Fallible<E>, E>(_: &Errors<E>, _: A) -> Branch<R::Value>
where
    Result<R::Value, E>: BranchOutput,
{
    never()
}

/// Stands for a branch of `select!`.
pub fn one<A: Awaitable<Output = T>, T>(_: A) -> Branch<T> {
    never()
}

/// What a branch of `try_join!` gives, all of whose branches fail with an `E`.
#[diagnostic::on_unimplemented(
    message = "the branches of `try_join!` give `Result`s of the same error, and this one gives `{Self}`",
    label = "no `Result<_, {E}>`",
    note = "for another error write `async move {{ call().await.map_err(…) }}`; for what can't fail there is `join!`"
)]
pub trait Fallible<E> {
    /// What is inside.
    type Value;
}

impl<T, E> Fallible<E> for Result<T, E> {
    type Value = T;
}

/// A tuple of branches.
pub trait Together: Sized {
    /// What they give.
    type Outputs;
    /// What one of them gives.
    type First;
}

/// Stands for `join!`.
pub fn joined<B: Together>(_: B) -> Gives<B::Outputs> {
    never()
}

/// Stands for `try_join!`.
pub fn try_joined<B: Together, E>(_: &Errors<E>, _: B) -> Gives<Result<B::Outputs, E>> {
    never()
}

/// Stands for `select!`.
pub fn selected<B: Together>(_: B) -> Gives<B::First> {
    never()
}

/// Stands for `join_all!`.
pub fn all_joined<T>(_: Vec<Branch<T>>, _: Option<usize>) -> Gives<Vec<T>> {
    never()
}

/// `Won<A, Won<B, Infallible>>`.
macro_rules! first {
    () => { Infallible };
    ($branch:ident $($rest:ident)*) => { Won<$branch, first!($($rest)*)> };
}

/// Implements the traits of tuples of branches.
macro_rules! tuples {
    ($($($branch:ident)*;)*) => {$(
        impl<$($branch),*> Together for ($(Branch<$branch>,)*) {
            type Outputs = ($($branch,)*);
            type First = first!($($branch)*);
        }
    )*};
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
    A B C D E F G H I J K L M;
    A B C D E F G H I J K L M N;
    A B C D E F G H I J K L M N O;
    A B C D E F G H I J K L M N O P;
}
