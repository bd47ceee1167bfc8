//! The forms of a workflow: macros in name only.
//!
//! Inside of a workflow `#[workflow]` takes them away before rustc expands anything, and mentions their names, so that an import
//! of them is used. What is left of them elsewhere says so.

/// Awaits several branches at once and gives their outputs as a tuple: `join!(a(), b())`.
///
/// A branch is a call or an `async move` block. The branches are at work at once; a branch that has ended is saved with its output, so
/// that a crash repeats only the others. `join!(…).timeout(duration).await` gives up when the time is over.
///
/// ```
/// # use refluxo::prelude::*;
/// #[step]
/// async fn length(text: String) -> usize {
///     text.len()
/// }
///
/// #[workflow]
/// async fn compare(left: String, right: String) -> bool {
///     let (left, right) = join!(length(left), length(right));
///     left > right
/// }
/// ```
#[macro_export]
macro_rules! join {
    ($($branches:tt)*) => {
        compile_error!(
            "`join!` of refluxo stands in a `#[workflow]`: elsewhere use the one of tokio or futures"
        )
    };
}

/// Awaits several branches at once, which return `Result`s, until all are `Ok` or one is an `Err`: `try_join!(a(), b())?`.
///
/// Gives the values as a tuple, or the first error; the other branches are then cancelled. Otherwise it is [`join!`](crate::join).
#[macro_export]
macro_rules! try_join {
    ($($branches:tt)*) => {
        compile_error!(
            "`try_join!` of refluxo stands in a `#[workflow]`: elsewhere use the one of tokio or futures"
        )
    };
}

/// Awaits the same for each of many items, several at once, and gives the outputs as a `Vec` in the order of the items:
/// `join_all!(for item in items => ship(item), limit = 8)`.
///
/// Without a limit all of them are at work at once. A limit of 0 counts as 1. What stands for an item is a branch as in [`join!`](crate::join).
#[macro_export]
macro_rules! join_all {
    ($($branches:tt)*) => {
        compile_error!("`join_all!` of refluxo stands in a `#[workflow]`: elsewhere use the one of futures")
    };
}

/// Awaits several branches at once until the first one ends, and runs its arm: `select! { x = a() => …, () = sleep(d) => … }`.
///
/// Where two have ended, the one that ended first wins, and then the one that stands first. The others are cancelled: a timer or a signal
/// consumes nothing. An arm is ordinary code, which may await; `select!` has the value of its arm.
///
/// `select! { … }.timeout(duration).await` gives `Ok` of that, or `Err(Elapsed)` if no branch has ended in this time. Only the wait is
/// limited; an arm that has won takes its time.
///
/// ```
/// # use refluxo::prelude::*;
/// # use std::time::Duration;
/// #[derive(Serialize, Deserialize, Signal)]
/// struct Paid {
///     cents: u64,
/// }
///
/// #[step]
/// async fn ask_the_bank(order: u64) -> u64 {
///     order
/// }
///
/// #[workflow]
/// async fn payment(order: u64) -> Option<u64> {
///     let cents = select! {
///         paid = signal::<Paid>() => paid.cents,
///         known = ask_the_bank(order) => known,
///     };
///     let more = select! { paid = signal::<Paid>() => paid.cents }.timeout(Duration::from_hours(24)).await;
///     Some(cents + more.ok()?)
/// }
/// ```
#[macro_export]
macro_rules! select {
    ($($arms:tt)*) => {
        compile_error!(
            "`select!` of refluxo stands in a `#[workflow]`: elsewhere use the one of tokio or futures"
        )
    };
}

/// Pushes a call that undoes what the workflow did: `compensate!(release(reservation.clone()));`.
///
/// If the workflow ends with an `Err` or is cancelled, the calls that were pushed are performed, the last one first, each with its own
/// retries. Push the call before one whose outcome may stay unknown.
#[macro_export]
macro_rules! compensate {
    ($($call:tt)*) => {
        compile_error!("`compensate!` stands in a `#[workflow]`")
    };
}
