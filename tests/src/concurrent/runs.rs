//! Runs of plain code. Each undoes what it did if it fails, or if nobody awaits it any more.
//!
//! The basic idea is as follows: a run that is dropped before its end was cancelled. The children that it was awaiting are dropped with
//! it; it undoes what it did once they have undone what they did. A child that is dropped alone does that by itself.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures_util::{
    FutureExt,
    future::{LocalBoxFuture, Shared, join_all},
};
use serde::Serialize;
use serde_json::Value;

use crate::trace::Outcome;

thread_local! {
    /// The run whose code is running on this thread.
    static CURRENT: RefCell<Option<Rc<Run>>> = const { RefCell::new(None) };
}

/// What is known of a run.
#[derive(Default)]
struct Run {
    /// The run that awaits it.
    around: Option<Rc<Run>>,
    /// What undoes its calls, bottom first.
    undo: RefCell<Vec<LocalBoxFuture<'static, ()>>>,
    /// Whether it is being dropped before its end.
    is_given_up: Cell<bool>,
    /// The ends of the children that it was awaiting then.
    children: RefCell<Vec<End>>,
}

/// The undoing of what a run did.
type End = Shared<LocalBoxFuture<'static, ()>>;

/// Runs a workflow: the body of each is put into this.
pub async fn as_a_run<T: Serialize>(program: impl Future<Output = T>) -> T {
    let around = CURRENT.with_borrow(Clone::clone);
    let run = Rc::new(Run { around, ..Run::default() });
    let mut held = Held { run: run.clone(), end: None, is_over: false };
    let output = Within { run, program: Some(Box::pin(program)) }.await;
    if has_failed(&output) {
        let end = held.run.end();
        held.end = Some(end.clone());
        end.await;
    }
    held.is_over = true;
    output
}

/// What `compensate!` stands for.
///
/// # Panics
/// Outside of a workflow.
pub fn undo_by(call: impl Future + 'static) {
    let run = CURRENT.with_borrow(Clone::clone).expect("`compensate!` stands in a workflow");
    run.undo.borrow_mut().push(call.map(drop).boxed_local());
}

/// Whether an output is an `Err`.
fn has_failed(output: &impl Serialize) -> bool {
    matches!(Outcome::returned(output), Outcome::Returned(Value::Object(output)) if output.contains_key("Err"))
}

impl Run {
    /// Undoes what it did, also if nobody waits for that.
    fn end(&self) -> End {
        let (children, undo) = (self.children.take(), self.undo.take());
        let end = async move {
            join_all(children).await;
            for call in undo.into_iter().rev() {
                call.await;
            }
        };
        let end = end.boxed_local().shared();
        tokio::task::spawn_local(end.clone());
        end
    }
}

/// A run that has not ended yet.
struct Held {
    run: Rc<Run>,
    /// Its end, if it has failed.
    end: Option<End>,
    is_over: bool,
}

impl Drop for Held {
    /// It was cancelled. One that panicked is left as it is.
    fn drop(&mut self) {
        let is_nothing = self.run.undo.borrow().is_empty() && self.run.children.borrow().is_empty();
        if self.is_over || std::thread::panicking() || is_nothing && self.end.is_none() {
            return;
        }
        let end = self.end.take().unwrap_or_else(|| self.run.end());
        if let Some(around) = self.run.around.as_ref().filter(|around| around.is_given_up.get()) {
            around.children.borrow_mut().push(end);
        }
    }
}

/// The code of a run.
struct Within<F> {
    run: Rc<Run>,
    /// `None` once it has ended.
    program: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let around = CURRENT.replace(Some(self.run.clone()));
        let polled = self.program.as_mut().map_or(Poll::Pending, |program| program.as_mut().poll(cx));
        CURRENT.set(around);
        if polled.is_ready() {
            self.program = None;
        }
        polled
    }
}

impl<F> Drop for Within<F> {
    /// The children that it awaits are dropped now.
    fn drop(&mut self) {
        self.run.is_given_up.set(self.program.is_some());
        self.program = None;
    }
}
