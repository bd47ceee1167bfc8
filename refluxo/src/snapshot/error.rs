//! Why a state can't be saved or read.

use thiserror::Error;

pub use crate::core::TooLarge;
use crate::store::{CodecError, InvalidAttribute, RunId};

/// A state that can't be saved.
#[derive(Debug, Error)]
pub enum SaveError {
    /// A field has no JSON that reads back as the same value.
    #[error("the field `{field}` of the state `{state}` can't be saved: {cause}")]
    Field {
        /// The state's name.
        state: String,
        /// The field's name.
        field: &'static str,
        /// What the serializer says.
        cause: serde_json::Error,
    },
    /// The output has no JSON that reads back as the same value.
    #[error("the output of the workflow `{workflow}` can't be saved: {cause}")]
    Output {
        /// The workflow's name.
        workflow: String,
        /// What the serializer says.
        cause: serde_json::Error,
    },
    /// The output of a branch has no JSON that reads back as the same value.
    #[error("the output of the branch {branch} can't be saved: {cause}")]
    Branch {
        /// The branch.
        branch: String,
        /// What the serializer says.
        cause: serde_json::Error,
    },
    /// The arguments of a call that undoes something have no JSON that reads back as the same value.
    #[error("`compensate!({undo}(…))` in the workflow `{workflow}` can't be saved: {cause}")]
    Undo {
        /// The workflow's name.
        workflow: String,
        /// The name of the call.
        undo: &'static str,
        /// What the serializer says.
        cause: serde_json::Error,
    },
    /// It is larger than the engine allows.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// An attribute is none that stores keep.
    #[error("an attribute that the workflow `{workflow}` sets can't be saved: {cause}")]
    Attribute {
        /// The workflow's name.
        workflow: String,
        /// What is wrong with it.
        cause: InvalidAttribute,
    },
    /// What stands around the state could not be written.
    #[error("the envelope can't be saved: {cause}")]
    Envelope {
        /// What the serializer says.
        cause: serde_json::Error,
    },
}

/// A stored state, message or output that today's code can't read.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The workflow has no such state.
    #[error(
        "the workflow `{workflow}` has no state `{state}`: rename it back, or mark its successor with `#[state({state})]`"
    )]
    UnknownState {
        /// The workflow's name.
        workflow: &'static str,
        /// The state's name.
        state: String,
    },
    /// The workflow has no such compensation.
    #[error(
        "the workflow `{workflow}` has no `compensate!` of `{name}`: put it back, so that its pushed calls can be read"
    )]
    UnknownUndo {
        /// The workflow's name.
        workflow: &'static str,
        /// The name of the call that undoes.
        name: String,
    },
    /// The state is not a JSON object.
    #[error("the state `{state}` is not a JSON object: {cause}")]
    NotAnObject {
        /// The state's name.
        state: String,
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// A field is missing.
    #[error("the state `{state}` lacks the field `{field}`")]
    MissingField {
        /// The state's name.
        state: String,
        /// The field's name.
        field: &'static str,
    },
    /// A field is there that the code doesn't know.
    #[error("the state `{state}` has a field `{field}` that the code doesn't know")]
    UnknownField {
        /// The state's name.
        state: String,
        /// The field's name.
        field: String,
    },
    /// A field has another type.
    #[error("the field `{field}` of the state `{state}` can't be read: {cause}")]
    Field {
        /// The state's name.
        state: String,
        /// The field's name.
        field: &'static str,
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// A message's body can't be read as the signal that the workflow awaits.
    #[error("the message `{signal}` can't be read: {cause}")]
    Signal {
        /// The signal's name.
        signal: &'static str,
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// A child's output can't be read.
    #[error("the output of the child workflow `{workflow}` can't be read: {cause}")]
    Output {
        /// The child's name.
        workflow: &'static str,
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// A branch's output can't be read.
    #[error("the output of the branch can't be read: {cause}")]
    Branch {
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// A call that `compensate!` pushed can't be read.
    #[error("the call that undoes can't be read: {cause}")]
    Undo {
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// What stands around the state is not what this version of the library writes.
    #[error("the envelope can't be read: {cause}; it was written by another version of refluxo, or by hand")]
    Envelope {
        /// What the parser says.
        cause: serde_json::Error,
    },
    /// The codec of the store can't decode it.
    #[error("{place} can't be decoded: {cause}")]
    Coded {
        /// The run.
        run: RunId,
        /// What can't be decoded, in words that name the run.
        place: String,
        /// Why, with the key.
        #[source]
        cause: CodecError,
    },
    /// The undo stack is not as high as the envelope says.
    #[error(
        "the envelope names {height} calls that undo what the run did and {found} are stored; it was written by another \
         version of refluxo, or by hand"
    )]
    UndoStack {
        /// How many the envelope names.
        height: usize,
        /// How many are stored.
        found: usize,
    },
    /// A run that stands otherwise than its envelope allows.
    #[error(
        "the envelope of a run that is {status} names {calls} calls; it was written by another version of refluxo"
    )]
    Calls {
        /// How the run stands.
        status: &'static str,
        /// How many calls it names.
        calls: usize,
    },
}

impl LoadError {
    /// An envelope that can't be read.
    pub(crate) fn envelope(cause: serde_json::Error) -> Self {
        Self::Envelope { cause }
    }

    /// A call that undoes and can't be read.
    pub(crate) fn undo(cause: serde_json::Error) -> Self {
        Self::Undo { cause }
    }

    /// A message that can't be read.
    pub(crate) fn signal(signal: &'static str, cause: serde_json::Error) -> Self {
        Self::Signal { signal, cause }
    }

    /// A child's output that can't be read.
    pub(crate) fn output(workflow: &'static str, cause: serde_json::Error) -> Self {
        Self::Output { workflow, cause }
    }

    /// A branch's output that can't be read.
    pub(crate) fn branch(cause: serde_json::Error) -> Self {
        Self::Branch { cause }
    }
}
