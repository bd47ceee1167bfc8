//! Running a step.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::Arc,
};

use super::{StepContext, StepSpec, Suspend, TransactionFuture};
use crate::machine::Outcome;

/// The call struct that `#[step]` generates.
///
/// It is a [`Suspend`] whose body is an async function of the user's.
pub trait Step: Suspend {
    /// The step's name in snapshots and history.
    const NAME: &'static str;
}

/// A step that was taken out of its state, ready to be run.
pub trait StepTask: Any + Send {
    /// The step's name.
    fn name(&self) -> &'static str;

    /// Runs the step's body once.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body wherever it is.
    fn run(self: Box<Self>, context: StepContext, resources: Arc<Resources>) -> StepFuture;

    /// Runs the step's body once in the store's transaction, if that is what its [`spec`](Self::spec) says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body wherever it is.
    fn run_in(
        self: Box<Self>,
        transaction: &mut (dyn Any + Send),
        context: StepContext,
        resources: Arc<Resources>,
    ) -> TransactionFuture<'_, Outcome> {
        let _ = transaction;
        self.run(context, resources)
    }

    /// How it is run.
    fn spec(&self) -> &'static StepSpec {
        &StepSpec::ONCE
    }

    /// The same call once more, for another attempt: made through its JSON, so that no argument has to be `Clone`.
    ///
    /// # Errors
    ///
    /// If an argument does not read back.
    fn copy(&self) -> Result<Box<dyn StepTask>, serde_json::Error>;

    /// The call itself, for whoever knows its type.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;

    /// Appends the JSON of the arguments to `out`.
    ///
    /// # Errors
    ///
    /// If one has none.
    fn arguments(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error>;
}

/// The future of a step's body.
pub type StepFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The values that steps take by `#[inject]`: one of each type.
///
/// Clones share the values.
#[derive(Clone, Default)]
pub struct Resources {
    values: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// What runs the bodies of steps in a test.
    #[cfg(feature = "testing")]
    stage: Option<Arc<dyn Stage>>,
}

/// Runs the bodies of steps in a test, or something in their place.
#[cfg(feature = "testing")]
pub(crate) trait Stage: Send + Sync {
    /// Runs a body, or what stands in for it.
    fn run(&self, task: Box<dyn StepTask>, context: StepContext, resources: Arc<Resources>) -> StepFuture;

    /// Whether the body of the step of this name is never run.
    fn replaces(&self, step: &str) -> bool;
}

impl Resources {
    /// Adds a value; returns whether there was one of its type before.
    pub fn insert<R: Send + Sync + 'static>(&mut self, resource: R) -> bool {
        self.values.insert(TypeId::of::<R>(), Arc::new(resource)).is_some()
    }

    /// Whether there is a value of this type.
    #[must_use]
    pub fn has(&self, resource: TypeId) -> bool {
        self.values.contains_key(&resource)
    }

    /// The value of the type `R`.
    ///
    /// # Panics
    ///
    /// If there is none, which `Engine::build` has ruled out.
    #[must_use]
    pub fn get<R: Send + Sync + 'static>(&self) -> &R {
        match self.values.get(&TypeId::of::<R>()).and_then(|resource| resource.downcast_ref()) {
            Some(resource) => resource,
            None => panic!("no resource of the type `{}` was provided to the engine", type_name::<R>()),
        }
    }

    /// Runs a step's body once, or in a test what stands in for it.
    pub(crate) fn run(self: &Arc<Self>, task: Box<dyn StepTask>, context: StepContext) -> StepFuture {
        #[cfg(feature = "testing")]
        if let Some(stage) = &self.stage {
            return stage.run(task, context, self.clone());
        }
        task.run(context, self.clone())
    }

    /// Has steps run on a stage.
    #[cfg(feature = "testing")]
    pub(crate) fn set_stage(&mut self, stage: Arc<dyn Stage>) {
        self.stage = Some(stage);
    }

    /// Whether the body of the step of this name is never run, so that it needs no resources.
    #[cfg(feature = "testing")]
    pub(crate) fn replaces(&self, step: &str) -> bool {
        self.stage.as_ref().is_some_and(|stage| stage.replaces(step))
    }

    /// Whether the body of the step of this name is never run: outside of tests all are.
    #[cfg(not(feature = "testing"))]
    #[expect(clippy::unused_self, reason = "in a test the stage knows")]
    pub(crate) fn replaces(&self, _step: &str) -> bool {
        false
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resources({})", self.values.len())
    }
}
