//! What steps act on: it outlives engines, as the outside world does.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use refluxo::suspend::StepContext;
use tokio::sync::Semaphore;

/// The outside world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    notes: Mutex<Vec<Noted>>,
    /// Steps whose text begins with `gate` wait for a permit here.
    gate: Semaphore,
    /// How many such steps have begun.
    at_gate: Semaphore,
    /// How long a step takes.
    pace: Duration,
}

/// A step that has run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Noted {
    pub run: String,
    pub text: String,
    pub key: String,
    pub attempt: u32,
}

impl World {
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            notes: Mutex::default(),
            gate: Semaphore::new(0),
            at_gate: Semaphore::new(0),
            pace: Duration::from_millis(1),
        }))
    }

    /// What the step `note` does.
    pub async fn note(&self, context: &StepContext, text: String) -> String {
        let noted = Noted {
            run: context.run_id().to_owned(),
            text: text.clone(),
            key: context.idempotency_key().to_owned(),
            attempt: context.attempt(),
        };
        self.0.notes.lock().unwrap().push(noted);
        tokio::time::sleep(self.0.pace).await;
        if text.starts_with("gate") {
            self.0.at_gate.add_permits(1);
            self.0.gate.acquire().await.expect("the gate is never closed").forget();
        }
        assert!(!text.starts_with("boom"), "the step says so");
        text
    }

    /// Waits until a step stands at the gate.
    pub async fn somebody_at_the_gate(&self) {
        self.0.at_gate.acquire().await.expect("never closed").forget();
    }

    /// Lets a step through the gate.
    pub fn open_gate(&self) {
        self.0.gate.add_permits(1);
    }

    /// The steps that have run, in order.
    pub fn notes(&self) -> Vec<Noted> {
        self.0.notes.lock().unwrap().clone()
    }

    /// The texts of the steps that have run, in order.
    pub fn texts(&self) -> Vec<String> {
        self.notes().into_iter().map(|noted| noted.text).collect()
    }
}
