//! The signals that a run gets, written down beforehand.

use std::{cell::RefCell, collections::VecDeque};

use serde::Serialize;
use serde_json::Value;

use refluxo::prelude::Signal;

thread_local! {
    /// What the run that this thread is driving has not received yet.
    static PENDING: RefCell<VecDeque<Sent>> = const { RefCell::new(VecDeque::new()) };
}

/// One signal on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The signal type's name.
    pub name: &'static str,
    /// The signal itself.
    pub payload: Value,
}

impl Sent {
    /// Writes a signal down.
    ///
    /// # Panics
    /// If the signal has no JSON form.
    pub fn new<S: Signal + Serialize>(signal: &S) -> Self {
        Self { name: S::NAME, payload: serde_json::to_value(signal).expect("a signal has a JSON form") }
    }
}

/// Starts a run's script.
pub fn load(signals: Vec<Sent>) {
    PENDING.set(signals.into());
}

/// Sends one more signal.
pub fn send(sent: Sent) {
    PENDING.with_borrow_mut(|pending| pending.push_back(sent));
}

/// Takes the oldest signal of a type: signals are in order per type, so others may be overtaken.
#[must_use]
pub fn next(name: &str) -> Option<Value> {
    PENDING.with_borrow_mut(|pending| {
        let found = pending.iter().position(|sent| sent.name == name)?;
        pending.remove(found).map(|sent| sent.payload)
    })
}
