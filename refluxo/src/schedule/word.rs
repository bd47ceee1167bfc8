//! What a schedule is told.

use serde::{Deserialize, Serialize};

use super::Schedule;
use crate::{
    Signal,
    store::{RunId, Status},
    suspend::Target,
    time::Timestamp,
};

/// What a schedule is told: the signal that its run waits for.
#[derive(Clone, Debug, Serialize, Deserialize, Signal)]
#[signal(name = "refluxo.schedule")]
#[serde(rename_all = "camelCase")]
pub(crate) enum Word {
    /// A run that it started has ended; written by [`crate::core`].
    Ended {
        /// Which.
        run: RunId,
        /// How.
        status: Status,
    },
    /// It is to be this from now on.
    Update {
        /// When and how runs are started.
        schedule: Schedule,
        /// What is started.
        target: Target,
        /// Who wants it.
        note: Note,
    },
    /// No tick starts a run any more.
    Pause(Note),
    /// Ticks start runs again.
    Resume(Note),
    /// A run is started now.
    Trigger {
        /// Under this id.
        run: RunId,
        /// Who wants it.
        note: Note,
    },
    /// The ticks of a span of time are made up.
    Backfill {
        /// From here on.
        from: Timestamp,
        /// Up to here, which is not part of it.
        to: Timestamp,
        /// Who wants it.
        note: Note,
    },
    /// It ends.
    Delete(Note),
}

impl Word {
    /// The name of the signal.
    pub(super) const SIGNAL: &str = <Self as crate::suspend::Signal>::NAME;
}

/// Who wants something, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Who, as [`ScheduleOrder::by`](super::ScheduleOrder::by) said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why, as [`ScheduleOrder::reason`](super::ScheduleOrder::reason) said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was asked for.
    pub at: Timestamp,
}

impl Note {
    /// Nobody said more.
    pub(super) fn at(at: Timestamp) -> Self {
        Self { by: None, reason: None, at }
    }
}
