//! What steps act on: it outlives engines, as the outside world does.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use refluxo::suspend::StepContext;
use tokio::sync::Semaphore;

/// The outside world, as one worker's steps see it.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
    worker: u32,
}

struct Inner {
    workers: AtomicU32,
    notes: Mutex<Vec<Noted>>,
    /// The steps that were dropped at the gate.
    dropped: Mutex<Vec<String>>,
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
    /// The worker that ran it; a later one has a higher number.
    pub worker: u32,
}

impl World {
    pub fn new() -> Self {
        let inner = Inner {
            workers: AtomicU32::new(0),
            notes: Mutex::default(),
            dropped: Mutex::default(),
            gate: Semaphore::new(0),
            at_gate: Semaphore::new(0),
            pace: Duration::from_millis(1),
        };
        Self { inner: Arc::new(inner), worker: 0 }
    }

    /// The world as the steps of the next worker see it.
    pub fn of_the_next_worker(&self) -> Self {
        let worker = self.inner.workers.fetch_add(1, Ordering::Relaxed) + 1;
        Self { inner: self.inner.clone(), worker }
    }

    /// What the step `flaky` does.
    pub async fn try_to(&self, context: &StepContext, text: String, failures: u32) -> Result<String, String> {
        let text = self.note(context, text).await;
        if context.attempt() > failures {
            return Ok(text);
        }
        assert!(!text.starts_with("crash"), "the step says so");
        Err(if text.starts_with("bad") { "for good".to_owned() } else { format!("{text} failed") })
    }

    /// What the step `note` does.
    pub async fn note(&self, context: &StepContext, text: String) -> String {
        let noted = Noted {
            run: context.run_id().to_owned(),
            text: text.clone(),
            key: context.idempotency_key().to_owned(),
            attempt: context.attempt(),
            worker: self.worker,
        };
        self.inner.notes.lock().unwrap().push(noted);
        tokio::time::sleep(self.inner.pace).await;
        if text.starts_with("slow") {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        if text.starts_with("gate") {
            self.inner.at_gate.add_permits(1);
            let mut dropped = Dropped { world: self, text: Some(text.clone()) };
            self.inner.gate.acquire().await.expect("the gate is never closed").forget();
            dropped.text = None;
        }
        if text.starts_with("polite") {
            self.inner.at_gate.add_permits(1);
            context.cancelled().await;
        }
        assert!(!text.starts_with("boom"), "the step says so");
        text
    }

    /// Waits until a step stands at the gate.
    pub async fn somebody_at_the_gate(&self) {
        self.inner.at_gate.acquire().await.expect("never closed").forget();
    }

    /// Lets a step through the gate.
    pub fn open_gate(&self) {
        self.inner.gate.add_permits(1);
    }

    /// The steps that have run, in order.
    pub fn notes(&self) -> Vec<Noted> {
        self.inner.notes.lock().unwrap().clone()
    }

    /// The steps that have run, in order, without those that a worker began while a later one was at work already: a worker
    /// that is dropped in the middle of a poll ends that poll.
    pub fn notes_in_turn(&self) -> Vec<Noted> {
        let mut latest = 0;
        let mut notes = self.notes();
        notes.retain(|noted| {
            latest = latest.max(noted.worker);
            noted.worker == latest
        });
        notes
    }

    /// The texts of the steps that were dropped at the gate, in order.
    pub fn dropped(&self) -> Vec<String> {
        self.inner.dropped.lock().unwrap().clone()
    }

    /// The texts of the steps that have run, in order.
    pub fn texts(&self) -> Vec<String> {
        self.notes().into_iter().map(|noted| noted.text).collect()
    }
}

/// Notes that a step was dropped, unless it went through the gate.
struct Dropped<'a> {
    world: &'a World,
    text: Option<String>,
}

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        self.world.inner.dropped.lock().unwrap().extend(self.text.take());
    }
}
