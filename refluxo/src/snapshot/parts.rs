//! The parts of a run that are no fields of its state.
//!
//! Their names have a `:`, which the name of no field has:
//!
//! | name | what it holds | written |
//! |---|---|---|
//! | `b:<path>` | the call that a branch is at; absent while that is the plain call that it began with | when the branch moves or retries |
//! | `f:<path>` | the fields of the state that a branch is at | when the branch moves |
//! | `o:<path>` | the output of a branch that has ended | once |
//! | `s:<revision>` | a state that the run has gone through, whole; only with `EngineBuilder::keep_states` | once |
//! | `u:<n>` | a call that undoes what was done, under its name; the bottom of the stack is 0 | once |
//! | `r:output` | the `Err` that the function returned | once |

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{Call, LoadError, Path};
use crate::store::{Part, Revision, sealed};

/// The name of the part that holds the `Err` that the function returned.
pub(crate) const OUTPUT: &str = "r:output";

/// What stands before the path of a branch.
pub(crate) const OF_BRANCHES: [&str; 3] = ["b:", "f:", "o:"];

/// What stands before the revision that came to a state that is kept.
pub(crate) const STATES: &str = "s:";

/// The name of the part that holds the state that this revision came to. The names are in the order of the revisions.
pub(crate) fn state(revision: Revision) -> String {
    format!("{STATES}{:020}", revision.0)
}

/// The name of the part that holds the call of a branch.
pub(crate) fn call(path: &Path) -> String {
    format!("b:{path}")
}

/// The name of the part that holds the fields of a branch.
pub(crate) fn fields(path: &Path) -> String {
    format!("f:{path}")
}

/// The name of the part that holds the output of a branch.
pub(crate) fn output(path: &Path) -> String {
    format!("o:{path}")
}

/// The name of the part that holds an entry of the undo stack.
pub(crate) fn undo(number: usize) -> String {
    format!("u:{number}")
}

/// Whether a part of this name belongs to a branch.
pub(crate) fn is_of_branch(name: &str) -> bool {
    OF_BRANCHES.iter().any(|kind| name.starts_with(kind))
}

/// Whether a part of this name tells of what was, and not of where the run stands.
pub(crate) fn is_past(name: &str) -> bool {
    name == OUTPUT || name.starts_with(STATES)
}

/// Whether a copy from a state that is kept may need a part of this name.
pub(crate) fn is_of_states(name: &str) -> bool {
    name.starts_with(STATES) || name.starts_with("u:")
}

/// What a run's reserved parts hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reserved {
    /// The branches that have a record.
    pub(crate) branches: BTreeMap<Path, BranchRecord>,
    /// The outputs of the branches that have ended.
    pub(crate) outputs: BTreeMap<Path, Bytes>,
    /// The undo stack, the bottom first.
    pub(crate) undo: Vec<UndoEntry>,
    /// The states that are kept, by the revisions that came to them.
    pub(crate) states: BTreeMap<Revision, Bytes>,
    /// The `Err` that the function returned.
    pub(crate) output: Option<Bytes>,
}

/// Where a branch stands.
#[derive(Clone, Debug)]
pub(crate) struct BranchRecord {
    /// The call that it is at; with the state's name, if it has fields.
    pub(crate) call: Call,
    /// The fields of its state; none if it is at the first one, which the group's own state holds.
    pub(crate) fields: Option<Bytes>,
}

/// A call that undoes what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UndoEntry {
    /// Its name.
    pub(crate) name: String,
    /// `{"name": {…}}`.
    pub(crate) body: Bytes,
}

impl UndoEntry {
    /// Reads an entry.
    pub(crate) fn read(body: &Bytes) -> Result<Self, LoadError> {
        let (name, _) = Self::open(body)?;
        Ok(Self { name, body: body.clone() })
    }

    /// The entry of a call whose JSON this is.
    pub(crate) fn write(name: &str, call: &RawValue) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(&BTreeMap::from([(name, call)])).map(Bytes::from)
    }

    /// The call's JSON.
    pub(crate) fn call(&self) -> Result<Box<RawValue>, LoadError> {
        Self::open(&self.body).map(|(_, call)| call)
    }

    fn open(body: &[u8]) -> Result<(String, Box<RawValue>), LoadError> {
        let mut entry: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(body).map_err(LoadError::envelope)?;
        entry.pop_first().ok_or_else(|| foreign("an undo entry without a call"))
    }
}

/// Tells the fields of a state from what else is kept of a run.
///
/// # Errors
///
/// If a reserved part is not what this version writes.
pub(crate) fn split(parts: &[Part]) -> Result<(Vec<&Part>, Reserved), LoadError> {
    let mut state = Vec::with_capacity(parts.len());
    let mut reserved = Reserved::default();
    let mut fields = BTreeMap::new();
    let mut undo = BTreeMap::new();
    for part in parts {
        sealed::check(&part.body)?;
        let Some((kind, rest)) = part.name.split_once(':') else {
            state.push(part);
            continue;
        };
        match kind {
            "b" => {
                let call = serde_json::from_slice(&part.body).map_err(LoadError::envelope)?;
                reserved.branches.insert(path(rest)?, BranchRecord { call, fields: None });
            }
            "f" => {
                fields.insert(path(rest)?, part.body.clone());
            }
            "o" => {
                reserved.outputs.insert(path(rest)?, part.body.clone());
            }
            "s" => {
                let revision = rest.parse().map_err(|_| foreign(&part.name))?;
                reserved.states.insert(Revision(revision), part.body.clone());
            }
            "u" => {
                let number: usize = rest.parse().map_err(|_| foreign(&part.name))?;
                undo.insert(number, UndoEntry::read(&part.body)?);
            }
            "r" if part.name == OUTPUT => reserved.output = Some(part.body.clone()),
            _ => return Err(foreign(&part.name)),
        }
    }
    for (path, fields) in fields {
        let branch = reserved.branches.get_mut(&path).ok_or_else(|| foreign(&format!("f:{path}")))?;
        branch.fields = Some(fields);
    }
    reserved.undo = undo.into_values().collect();
    Ok((state, reserved))
}

/// Reads a path.
fn path(text: &str) -> Result<Path, LoadError> {
    text.parse().map_err(|_| foreign(text))
}

/// A part that this version would not write.
fn foreign(what: &str) -> LoadError {
    LoadError::envelope(serde::de::Error::custom(format_args!(
        "`{what}` is not a part that this version writes"
    )))
}
