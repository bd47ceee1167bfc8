//! What a step may know of the run that calls it.

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::Notify;

/// What a step may know of the run that calls it; take it with `#[inject] cx: &StepContext`.
///
/// A clone may be taken to where the step's body does not reach, such as another task or thread, which is then told there
/// that the step is over.
#[derive(Clone, Debug)]
pub struct StepContext {
    run_id: Arc<str>,
    workflow: Arc<str>,
    trace: Option<Arc<str>>,
    step: &'static str,
    attempt: u32,
    idempotency_key: Arc<str>,
    tether: Arc<Tether>,
}

impl StepContext {
    /// The context of an attempt to run `step` that nobody interrupts, of a run of no workflow.
    #[must_use]
    pub fn new(run_id: Arc<str>, step: &'static str, attempt: u32, idempotency_key: Arc<str>) -> Self {
        Self {
            run_id,
            workflow: Arc::default(),
            trace: None,
            step,
            attempt,
            idempotency_key,
            tether: Arc::default(),
        }
    }

    /// The same context, of a run of this workflow that belongs to this trace.
    pub(crate) fn of(self, workflow: Arc<str>, trace: Option<Arc<str>>) -> Self {
        Self { workflow, trace, ..self }
    }

    /// The same context, bound to the run by `tether`.
    pub(crate) fn bound(self, tether: Arc<Tether>) -> Self {
        Self { tether, ..self }
    }

    /// The id of the run, as it was given to `Engine::start`.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The workflow's name.
    #[must_use]
    pub fn workflow(&self) -> &str {
        &self.workflow
    }

    /// The trace that the run belongs to: what [`EngineBuilder::trace_context`](crate::engine::EngineBuilder::trace_context)
    /// said when the run was started, or its parent, or whoever spawned it. The same after a restart and on every worker.
    #[must_use]
    pub fn trace_parent(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// The step's name.
    #[must_use]
    pub fn step(&self) -> &'static str {
        self.step
    }

    /// Which attempt this is, counted from 1 and over restarts.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A key for the outside world: the same for every attempt of this call, also after a restart or a take-over; another for
    /// every other call.
    #[must_use]
    pub fn idempotency_key(&self) -> &str {
        &self.idempotency_key
    }

    /// Whether nobody wants the step's outcome any more, or soon will not: the run is being cancelled or was aborted, another
    /// arm of a `select!` has won, or the time of a `.timeout(…)` is over. It also holds once the step itself is over, however
    /// that came about.
    ///
    /// A step of a run that is being cancelled has a [grace](crate::engine::EngineBuilder::cancel_grace) to return; what it
    /// did until then counts, and is undone by what `compensate!` pushed.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.tether.cancelled.load(Ordering::Acquire)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) holds.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn cancelled(&self) {
        self.tether.wait_for(&self.tether.cancelled).await;
    }

    /// Has [`is_cancelled`](Self::is_cancelled) hold when the guard is dropped, with which the attempt is over.
    pub(crate) fn cancelled_on_drop(&self) -> impl Drop + use<> {
        CancelledOnDrop(self.tether.clone())
    }

    /// Whether this worker has lost the run: another one may run the same step already, under the same key.
    ///
    /// What this attempt returns is thrown away. It is told within a third of the lease's time, or at the next
    /// [`heartbeat`](Self::heartbeat).
    #[must_use]
    pub fn is_lease_lost(&self) -> bool {
        self.tether.lease_lost.load(Ordering::Acquire)
    }

    /// Waits until [`is_lease_lost`](Self::is_lease_lost) holds.
    ///
    /// # Cancel safety
    ///
    /// It changes nothing.
    pub async fn lease_lost(&self) {
        self.tether.wait_for(&self.tether.lease_lost).await;
    }

    /// Asks the store now whether the run is still this worker's, and looks for an operator's messages.
    ///
    /// A long step calls it before each thing that must not be done twice. It may be called often: the store is asked once a
    /// second at most. A store that can't be asked is no interruption.
    ///
    /// # Errors
    ///
    /// If the step is to stop.
    ///
    /// # Cancel safety
    ///
    /// It may be dropped at any time.
    pub async fn heartbeat(&self) -> Result<(), Interrupted> {
        if let Some(pulse) = &self.tether.pulse {
            pulse.beat().await;
        }
        match (self.is_lease_lost(), self.is_cancelled()) {
            (true, _) => Err(Interrupted::LeaseLost),
            (false, true) => Err(Interrupted::Cancelled),
            (false, false) => Ok(()),
        }
    }
}

/// Why a step is to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interrupted {
    /// See [`StepContext::is_cancelled`].
    #[error("nobody waits for the step any more")]
    Cancelled,
    /// See [`StepContext::is_lease_lost`].
    #[error("another worker may run the step already")]
    LeaseLost,
}

/// What binds an attempt to its run: the engine pulls, the step feels it.
#[derive(Default)]
pub(crate) struct Tether {
    cancelled: AtomicBool,
    lease_lost: AtomicBool,
    held: AtomicBool,
    pulled: Notify,
    pulse: Option<Arc<dyn Pulse>>,
}

/// Tells whoever holds a clone of an attempt's context that the attempt is over.
struct CancelledOnDrop(Arc<Tether>);

impl Drop for CancelledOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Asks the store how a run stands, and has its steps told.
pub(crate) trait Pulse: Send + Sync {
    /// Ready when the store has answered, or was asked just now.
    fn beat(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Whether nobody else can have the run, as far as can be told without asking.
    fn is_sure(&self) -> bool;

    /// Asks the store until it says that the run is still this worker's. Never ready if it is not.
    fn make_sure(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

impl Tether {
    /// A tether whose step can ask for the run.
    pub(crate) fn new(pulse: Arc<dyn Pulse>) -> Self {
        Self { pulse: Some(pulse), ..Self::default() }
    }

    /// Tells the step that nobody waits for it.
    pub(crate) fn cancel(&self) {
        self.pull(&self.cancelled);
    }

    /// Tells the step that the run is in other hands.
    pub(crate) fn lose_lease(&self) {
        self.pull(&self.lease_lost);
    }

    /// Has the step not begin, if it has not yet.
    pub(crate) fn hold(&self) {
        self.pull(&self.held);
    }

    /// Ready when the step is not to begin any more.
    pub(crate) async fn stopped(&self) {
        let flags = [&self.held, &self.cancelled, &self.lease_lost];
        self.wait_until(|| flags.iter().any(|flag| flag.load(Ordering::Acquire))).await;
    }

    /// Ready when the run is surely this worker's: a worker that was stopped for longer than its lease begins nothing that another one
    /// may have done since.
    pub(crate) async fn held_fast(&self) {
        if let Some(pulse) = self.pulse.as_ref().filter(|pulse| !pulse.is_sure()) {
            pulse.make_sure().await;
        }
    }

    fn pull(&self, flag: &AtomicBool) {
        flag.store(true, Ordering::Release);
        self.pulled.notify_waiters();
    }

    /// Waits until a flag is raised.
    async fn wait_for(&self, flag: &AtomicBool) {
        self.wait_until(|| flag.load(Ordering::Acquire)).await;
    }

    /// Waits until that holds, which a pull may change.
    async fn wait_until(&self, holds: impl Fn() -> bool) {
        loop {
            // It listens before it looks, so that a pull between the two is felt.
            let mut pulled = std::pin::pin!(self.pulled.notified());
            pulled.as_mut().enable();
            if holds() {
                return;
            }
            pulled.await;
        }
    }
}

impl fmt::Debug for Tether {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tether")
            .field("cancelled", &self.cancelled)
            .field("lease_lost", &self.lease_lost)
            .finish_non_exhaustive()
    }
}
