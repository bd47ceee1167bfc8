//! What generated code names beside the public items. No part of the API: it changes in any release.

pub use serde;
pub use serde_json::{Error as JsonError, value::RawValue};

pub use crate::{
    local::{
        BranchOut, Captured, Cursor, Inclusive, KeepCopied, NotCopied, Remaining, SavedSlot, Slot,
        branch_done_tried, branch_end_tried, branch_going_tried, branch_left_tried, current, lent_slot,
        load_branches, load_branches_in_time, next,
    },
    machine::{
        Accepts, Changes, Description, FieldSet, Graph, Machine, NeverFails, NoWords, Nobody, Nothing,
        Outcome, ShownWords, StateInfo, Transition, Undoing, Undos, Verdict,
    },
    snapshot::{LoadError, StateReader, StateWriter, deserialize_machine, serialize_machine},
    store::RunId,
    suspend::{
        Backoff, Begin, Block, Child, Elapsed, Ending, Fallible, Join, JoinAll, Judged, Keep, Kept, One,
        Outcomes, Pending, Resources, Retry, Rule, Select, Signal, Step, StepContext, StepFuture, StepSpec,
        StepTask, StepTimeout, Suspend, TimedOut, Timeout, TransactionFuture, Try, TryJoin,
        call::{
            Alone, Argument, Call, Read, StepOutput, Write, argument, call_json, copy_call, judged,
            next_argument, once, read_call, required, returns, run_alone, show_call, timed_out, write_call,
        },
        spawn,
        transaction::{in_async, in_blocking, no_transaction},
    },
    twin::{self, Awaitable, awaited},
    workflow::{
        Given, NoResult, Tried, Won, at_most, bad, call, done, done_tried, fill, good, limit, outcome,
        outputs, outputs_in_time, spawned, taken, timeout, undoing, unknown_state, unknown_undo,
    },
};
