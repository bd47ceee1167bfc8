//! What generated code names beside the public items. No part of the API: it changes in any release.

pub use serde;

pub use crate::{
    machine::{Description, Outcome},
    suspend::{
        Begin, Pending, Resources, Signal, Step, StepContext, StepFuture, StepTask, Suspend,
        call::{
            Alone, Argument, Call, Read, StepOutput, Write, argument, next_argument, once, read_call,
            required, returns, run_alone, show_call, write_call,
        },
    },
};
