//! Starting another workflow and going on.

#![allow(non_camel_case_types, reason = "a call's type and its constructor share one name")]

use serde::{Deserialize, Serialize};

use super::{Begin, Child, Pending, Suspend};
use crate::{
    machine::{Description, Machine},
    store::RunId,
};

/// A call that starts a run of its own and gives its id. Made by the function of the same name.
#[must_use = "a call does nothing unless it is awaited"]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct spawn<C> {
    /// The first state of the run.
    pub workflow: C,
}

/// Starts `workflow` as a run of its own and gives its id without waiting for its end.
///
/// The run is started once, with the commit that saves this call. It is nobody's child: it is not cancelled with the workflow that started it,
/// and nobody is told of its end.
///
/// ```
/// use refluxo::prelude::*;
///
/// #[workflow]
/// async fn remind(customer: String) -> String {
///     customer
/// }
///
/// #[workflow]
/// async fn sell(customer: String) -> RunId {
///     spawn(remind(customer)).await
/// }
/// ```
pub fn spawn<M: Machine>(workflow: M) -> spawn<Child<M>> {
    spawn { workflow: workflow.into() }
}

/// Only a workflow can be spawned: the twin tells of what is none.
impl<C: Suspend> Suspend for spawn<C> {
    type Output = RunId;

    fn pending(&self) -> Pending<'_> {
        match self.workflow.pending() {
            Pending::Child(workflow) => Pending::Spawn(workflow),
            other => other,
        }
    }

    fn begin(self) -> Begin {
        Begin::Spawn
    }

    fn describe(description: &mut Description) {
        C::describe(description);
    }
}
