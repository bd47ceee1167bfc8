//! What generated code names beside the public items. No part of the API: it changes in any release.

pub use serde;
pub use serde_json::Error as JsonError;

pub use crate::{
    local::{Cursor, Inclusive, Remaining, SavedSlot, Slot, current, next},
    machine::{
        Accepts, Changes, Description, FieldSet, Graph, Machine, NeverFails, Nobody, Nothing, Outcome,
        StateInfo, Transition, Undoing, Undos, Verdict,
    },
    snapshot::{LoadError, StateReader, StateWriter, deserialize_machine, serialize_machine},
    suspend::{
        Begin, Child, Pending, Resources, Signal, Step, StepContext, StepFuture, StepTask, Suspend,
        call::{
            Alone, Argument, Call, Read, StepOutput, Write, argument, call_json, copy_call, next_argument,
            once, read_call, required, returns, run_alone, show_call, write_call,
        },
    },
    workflow::{Awaitable, Tried, awaited, call, done, done_tried, fill, outcome, taken, unknown_state},
};
