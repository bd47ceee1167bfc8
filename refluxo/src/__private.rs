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
        Backoff, Begin, Block, Child, Fallible, Join, JoinAll, Judged, Kept, One, Outcomes, Pending,
        Resources, Retry, Rule, Select, Signal, Step, StepContext, StepFuture, StepSpec, StepTask,
        StepTimeout, Suspend, TimedOut, Timeout, TryJoin,
        call::{
            Alone, Argument, Call, Read, StepOutput, Write, argument, call_json, copy_call, next_argument,
            once, read_call, required, returns, run_alone, show_call, write_call,
        },
        spawn,
    },
    twin::{self, Awaitable, awaited},
    workflow::{Tried, Won, call, done, done_tried, fill, outcome, taken, timeout, unknown_state},
};
