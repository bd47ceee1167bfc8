//! Durable workflows: an ordinary `async fn` becomes a typed state machine that is saved after every step.

pub mod store;
pub mod time;
