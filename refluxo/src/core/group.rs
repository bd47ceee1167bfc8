//! When branches are over.

use crate::{snapshot::GroupCall, suspend::Rule};

/// What follows from the end of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// The others go on.
    Open {
        /// The branch that is started in its place.
        start: Option<u32>,
    },
    /// The group is over.
    Complete {
        /// Whether the branch decided that while others were open, or might have been.
        by_branch: bool,
    },
}

/// What follows from the end of a branch of a group that has started so many and has so many open, the one that ended not
/// counted; `failed` tells whether it gave an `Err`.
pub(crate) fn after(group: &GroupCall, started: u32, open: u32, failed: bool) -> Progress {
    match group.rule {
        Rule::Any => Progress::Complete { by_branch: true },
        Rule::Try if failed => Progress::Complete { by_branch: true },
        Rule::All | Rule::Try if started < group.of => Progress::Open { start: Some(started) },
        Rule::All | Rule::Try if open > 0 => Progress::Open { start: None },
        Rule::All | Rule::Try => Progress::Complete { by_branch: false },
    }
}

/// How many branches are started at first.
pub(crate) fn first_started(of: u32, limit: Option<u32>) -> u32 {
    // A limit of none would never end.
    limit.map_or(of, |limit| limit.max(1).min(of))
}
