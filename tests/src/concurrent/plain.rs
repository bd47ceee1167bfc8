//! The plain way: tokio's own forms.

use std::{cell::RefCell, collections::BTreeMap, panic::AssertUnwindSafe, rc::Rc, time::Duration};

use futures_util::{FutureExt, future::join_all};
#[doc(hidden)]
pub use refluxo::prelude::Elapsed;
use refluxo::{prelude::RunId, time::Timestamp};
use serde::Serialize;
// For the crates that the macros below are used in.
#[doc(hidden)]
pub use tokio;
use tokio::sync::{Notify, Semaphore};

use super::{Arrival, START, arrive, beside, traced};
use crate::{
    script,
    trace::{self, Case, Outcome},
};

#[path = "steps.rs"]
pub mod slow_steps;

/// What a program sees when it is mounted as plain code.
pub mod prelude {
    pub use super::{InTime, case, case as steady, signal, sleep, sleep_until, slow_steps::*, spawn};
    pub use crate::{
        concurrent::at, plain::steps::*, plain_compensate as compensate, plain_join_all as join_all,
        plain_select as select, plain_select_in_time as select_in_time, timed_cases, types::*,
    };
    pub use refluxo::prelude::{Deserialize, Elapsed, RunId, Serialize, Signal};
    pub use refluxo::time::Timestamp;
    pub use refluxo_tests_plain::{run as workflow, step};
    pub use tokio::{join, try_join};
}

/// What the steps see when they are mounted as plain code.
mod step_prelude {
    pub(super) use refluxo_tests_plain::step;
}

thread_local! {
    /// Told of each signal that arrives, and of each wait that ends.
    static ARRIVED: Rc<Notify> = Rc::default();

    /// The waits for signals in the order in which they began: their numbers and the signals' names.
    static WAITING: RefCell<BTreeMap<u64, &'static str>> = const { RefCell::new(BTreeMap::new()) };
}

/// A wait for a signal.
struct Waiting {
    number: u64,
}

impl Waiting {
    /// Begins one.
    fn begin(name: &'static str) -> Self {
        WAITING.with_borrow_mut(|waiting| {
            let number = waiting.last_key_value().map_or(0, |(last, _)| last + 1);
            waiting.insert(number, name);
            Self { number }
        })
    }

    /// Whether no other wait for the same signal began before: who waits longer is served first.
    fn is_first(&self, name: &str) -> bool {
        WAITING.with_borrow(|waiting| waiting.range(..self.number).all(|(_, other)| *other != name))
    }
}

impl Drop for Waiting {
    /// The next one may be served now.
    fn drop(&mut self) {
        WAITING.with_borrow_mut(|waiting| waiting.remove(&self.number));
        ARRIVED.with(|arrived| arrived.notify_waiters());
    }
}

/// Tokio's `select!`, in the order of the arms.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_select {
    ($($arms:tt)*) => { $crate::concurrent::plain::tokio::select! { biased; $($arms)* } };
}

/// Tokio's `select!` with one more arm behind the others, which is there when the time is over.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_select_in_time {
    (($limit:expr) { $($arms:tt)* }) => { $crate::plain_select_in_time!(@ $limit, {} $($arms)*) };
    (@ $limit:expr, { $($arms:tt)* }) => {
        $crate::plain_select! {
            $($arms)*
            () = $crate::concurrent::plain::sleep($limit) => Err($crate::concurrent::plain::Elapsed),
        }
    };
    (@ $limit:expr, { $($arms:tt)* } $won:pat = $branch:expr => $handler:block $(,)? $($rest:tt)*) => {
        $crate::plain_select_in_time!(@ $limit, { $($arms)* $won = $branch => $crate::in_time!($handler), } $($rest)*)
    };
    (@ $limit:expr, { $($arms:tt)* } $won:pat = $branch:expr => $handler:expr $(, $($rest:tt)*)?) => {
        $crate::plain_select_in_time!(@ $limit, { $($arms)* $won = $branch => $crate::in_time!($handler), } $($($rest)*)?)
    };
}

/// `Ok` of the value of a handler, which may leave the function.
#[doc(hidden)]
#[macro_export]
macro_rules! in_time {
    ($handler:expr) => {
        match () {
            #[allow(unreachable_code, reason = "a handler may leave")]
            () => Ok($handler),
        }
    };
}

/// All at once, or as many as the limit says; the outputs in order.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_join_all {
    (for $item:pat in $items:expr => $call:expr $(,)?) => {
        $crate::plain_join_all!(for $item in $items => $call, limit = usize::MAX >> 3)
    };
    (for $item:pat in $items:expr => $call:expr, limit = $limit:expr $(,)?) => {{
        let mut calls = ::std::vec::Vec::new();
        for $item in $items {
            calls.push($call);
        }
        $crate::concurrent::plain::join_limited(calls, $limit).await
    }};
}

/// Keeps the call for the case that the program fails.
#[doc(hidden)]
#[macro_export]
macro_rules! plain_compensate {
    ($call:expr) => {
        $crate::concurrent::runs::undo_by($call)
    };
}

/// What `join_all!` stands for.
///
/// # Panics
/// Never: its semaphore is not closed.
pub async fn join_limited<F: Future>(calls: Vec<F>, limit: usize) -> Vec<F::Output> {
    let slots = Rc::new(Semaphore::new(limit));
    let calls = calls.into_iter().map(|call| async {
        let _slot = slots.acquire().await.expect("it is never closed");
        call.await
    });
    join_all(calls).await
}

/// Anything with a limit.
pub trait InTime: Future + Sized {
    /// What comes before the limit is over.
    fn timeout(self, limit: Duration) -> impl Future<Output = Result<Self::Output, Elapsed>> {
        tokio::time::timeout(limit, self).map(|result| result.map_err(|_| Elapsed))
    }
}

impl<F: Future> InTime for F {}

/// Passes in virtual time.
pub async fn sleep(duration: Duration) {
    tokio::time::sleep(duration).await;
}

/// Passes in virtual time, until then.
pub async fn sleep_until(due: impl Into<Timestamp>) {
    let left = due.into().saturating_since(START.saturating_add(trace::elapsed()));
    if left > Duration::ZERO {
        tokio::time::sleep(left).await;
    }
}

/// The next signal of its type. One that is dropped before has taken none.
///
/// # Panics
/// If the signal does not come back from JSON.
pub async fn signal<S: refluxo::prelude::Signal>() -> S {
    let arrived = ARRIVED.with(Rc::clone);
    let waiting = Waiting::begin(S::NAME);
    loop {
        let next = arrived.notified();
        if waiting.is_first(S::NAME)
            && let Some(payload) = script::next(S::NAME)
        {
            return serde_json::from_value(payload).expect("a signal comes back from JSON");
        }
        next.await;
    }
}

/// Has a program run by itself.
///
/// # Panics
/// Never: the id that it gives is one.
pub async fn spawn(program: impl Future<Output: 'static> + 'static) -> RunId {
    tokio::task::spawn_local(program);
    RunId::new("spawned").expect("it is an id")
}

/// One program with one input, run as plain async code.
pub fn case<F>(
    name: &'static str,
    call: impl Fn() -> F + 'static,
    signals: impl Fn() -> Vec<Arrival> + 'static,
) -> Case
where
    F: Future<Output: Serialize>,
{
    Case { name, run: Box::new(move || traced(run(call(), signals()))) }
}

async fn run(program: impl Future<Output: Serialize>, signals: Vec<Arrival>) -> Outcome {
    script::load(Vec::new());
    let outcome = beside(arrivals(signals), AssertUnwindSafe(program).catch_unwind()).await;
    outcome.map_or(Outcome::Panicked, |output| Outcome::returned(&output))
}

/// Has the signals come.
async fn arrivals(signals: Vec<Arrival>) {
    arrive(signals, async |sent| {
        script::send(sent);
        ARRIVED.with(|arrived| arrived.notify_waiters());
    })
    .await;
}
