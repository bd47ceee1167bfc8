//! For tests of workflows: virtual time, stand-ins for steps, and a recording of what happened.
//!
//! A [`TestEngine`] is an [`Engine`](crate::Engine) on a store in memory whose clock is tokio's paused one: it stands while there is
//! anything to do, and then jumps to the next time that something waits for. So a workflow of thirty days takes milliseconds, and a
//! `tokio::time::sleep` in a step takes part in it.

mod breaking;
mod clock;
mod crash;
mod engine;
mod recording;
mod stage;
mod trace;

pub use clock::VirtualClock;
pub use crash::{CrashEverywhere, CrashReport, crash_everywhere};
pub use engine::{TestBuilder, TestEngine};
pub use recording::{CallEnd, RecordedCall, RecordedTransition, Recording};
pub use stage::Mock;
