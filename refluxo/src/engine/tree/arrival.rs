//! What comes to the calls of a run, and in which order it counts.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::{
    core::{Again, Calls, Cause},
    machine::Outcome,
    snapshot::{ParkReason, Path},
    suspend::Rule,
    time::Timestamp,
};

/// Something that came to a call.
pub(crate) struct Arrival {
    pub(crate) path: Path,
    pub(crate) cause: Cause,
    pub(crate) what: What,
    /// What the error says, if it is one.
    pub(crate) words: Option<String>,
    /// When it happened, which decides a `select!`.
    pub(crate) at: Timestamp,
}

/// What came to a call.
pub(crate) enum What {
    /// Its outcome.
    Outcome(Outcome),
    /// The body of a signal.
    Signal(Bytes),
    /// What a child returned.
    Output(Box<RawValue>),
    /// The end of its time.
    Elapsed,
    /// The end of a group that has no branches.
    Empty,
    /// Another attempt will be made.
    Again(Again),
    /// What nothing can be made of.
    Bad(ParkReason),
}

/// The arrivals at a call and below it in the order in which they count.
///
/// The basic idea is as follows: those of one branch keep their order among themselves, and branches follow in the order of the
/// source. Where branches race, each arrival counts from the latest time up to it in its branch, which makes one order of the
/// branches' orders. The end of a group's own time stands among the messages by its time, and behind the steps.
pub(super) fn in_order(path: &Path, calls: &Calls, arrivals: Vec<Arrival>) -> Vec<Arrival> {
    if arrivals.len() < 2 {
        return arrivals;
    }
    let depth = path.numbers().len();
    let (mut own, mut branches) = (None, BTreeMap::<u32, Vec<Arrival>>::new());
    for arrival in arrivals {
        match arrival.path.numbers().get(depth) {
            None => own = Some(arrival),
            Some(number) => branches.entry(*number).or_default().push(arrival),
        }
    }
    let began = calls.group(path).filter(|group| group.rule == Rule::Any).map(|group| group.began);
    let mut ordered = Vec::new();
    for (number, branch) in branches {
        let mut latest = began;
        for arrival in in_order(&path.child(number), calls, branch) {
            latest = latest.map(|latest| latest.max(arrival.at));
            ordered.push((latest, arrival));
        }
    }
    ordered.sort_by_key(|(time, _)| *time);
    let ordered = ordered.into_iter().map(|(_, arrival)| arrival);
    let Some(own) = own else { return ordered.collect() };
    let (mut in_time, late): (Vec<_>, Vec<_>) =
        ordered.partition(|arrival| matches!(arrival.cause, Cause::Step(_)) || arrival.at <= own.at);
    in_time.push(own);
    in_time.extend(late);
    in_time
}
