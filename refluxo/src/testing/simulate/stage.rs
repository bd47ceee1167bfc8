//! Where the steps of a simulated worker run.

use std::sync::Arc;

use super::{air::Air, events::Who};
use crate::{
    suspend::{Resources, Stage, StepContext, StepFuture, StepTask},
    testing::stage::TestStage,
};

/// Runs steps as a test does, and has the oracle told of each that begins.
pub(super) struct Watched {
    pub(super) stage: Arc<TestStage>,
    pub(super) who: Who,
    pub(super) air: Arc<Air>,
}

impl Stage for Watched {
    fn run(&self, task: Box<dyn StepTask>, context: StepContext, resources: Arc<Resources>) -> StepFuture {
        self.air.oracle.begins(self.who, &context);
        self.stage.run(task, context, resources)
    }

    fn replaces(&self, step: &str) -> bool {
        self.stage.replaces(step)
    }
}
