//! The steps of scripts.

use std::{any::Any, sync::Arc, time::Duration};

use refluxo::{
    machine::{Description, Outcome},
    suspend::{
        Backoff, Begin, Judged, Pending, Resources, Retry, StepContext, StepFuture, StepSpec, StepTask,
        Suspend,
    },
};
use serde::{Deserialize, Serialize};

use super::Heard;
use crate::support::world::World;

/// The step `note`: writes its text into the world and gives it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
}

impl Suspend for Note {
    type Output = String;

    fn pending(&self) -> Pending<'_> {
        Pending::Step { name: "note" }
    }

    fn begin(self) -> Begin {
        Begin::Step(Box::new(Task(self)))
    }

    fn describe(description: &mut Description) {
        description.require::<World>("note");
    }
}

impl Step for Note {
    const NAME: &'static str = "note";
    const SPEC: &'static StepSpec = &StepSpec::ONCE;

    async fn act(self, world: World, context: StepContext) -> Outcome {
        Outcome::new(world.note(&context, self.text).await)
    }
}

/// The step `flaky`: fails so many times, then does what `note` does. With a text that begins with `boom` it panics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Flaky {
    pub text: String,
    pub failures: u32,
}

impl Suspend for Flaky {
    type Output = Heard;

    fn pending(&self) -> Pending<'_> {
        Pending::Step { name: "flaky" }
    }

    fn begin(self) -> Begin {
        Begin::Step(Box::new(Task(self)))
    }

    fn describe(description: &mut Description) {
        description.require::<World>("flaky");
    }
}

/// How `flaky` is run: three times, a second apart, each for half a minute at most.
const FLAKY: StepSpec = StepSpec {
    retry: Retry {
        attempts: 3,
        backoff: Backoff::Constant,
        initial: Duration::from_secs(1),
        max: Duration::from_secs(1),
        jitter: false,
        total: None,
    },
    timeout: None,
    concurrency: None,
    transaction: false,
    judge: |outcome| match outcome.get::<Heard>() {
        Some(Err(error)) => Judged::Failed { again: error != "for good", words: Some(error.clone()) },
        Some(Ok(_)) | None => Judged::Good,
    },
};

impl Step for Flaky {
    const NAME: &'static str = "flaky";
    const SPEC: &'static StepSpec = &FLAKY;

    async fn act(self, world: World, context: StepContext) -> Outcome {
        Outcome::new(world.try_to(&context, self.text, self.failures).await)
    }
}

/// What a step does in the world.
trait Step: Clone + Serialize + Send + 'static {
    const NAME: &'static str;
    const SPEC: &'static StepSpec;

    fn act(self, world: World, context: StepContext) -> impl Future<Output = Outcome> + Send;
}

/// A step that is about to be run.
struct Task<S>(S);

impl<S: Step> StepTask for Task<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn spec(&self) -> &'static StepSpec {
        S::SPEC
    }

    fn run(self: Box<Self>, context: StepContext, resources: Arc<Resources>) -> StepFuture {
        let world = resources.get::<World>().clone();
        Box::pin(self.0.act(world, context))
    }

    fn copy(&self) -> Result<Box<dyn StepTask>, serde_json::Error> {
        Ok(Box::new(Self(self.0.clone())))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn arguments(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, &self.0)
    }
}
