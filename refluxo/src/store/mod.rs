//! Where runs are kept: the [`Store`] trait and its implementations.
//!
//! A store keeps records and compares columns. It never parses a state: `head`, `state`, parts, messages and entries are
//! bytes to it.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::Stream;

use crate::time::Timestamp;

/// The future of a store operation.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The name that the caller gave a run; unique in a store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Arc<str>);

/// A claim's random token. With the revision it fences a run against workers that lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u128);

/// Counts the commits of a run. A message does not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

/// A message's place in its run's inbox; grows by one with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// What a record says about how a run stands. *Running* is derived from the lease and never stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status { Ready, Waiting, Paused, Parked, Cancelling, Completed, Failed, Cancelled }

/// A claim on one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease { pub run: RunId, pub token: Token, pub revision: Revision }

/// What changes with every commit and is shown in lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head { pub status: Status, pub at: String, pub version: u32, pub body: Bytes }

/// A run to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    pub id: RunId, pub uid: String, pub root: RunId, pub parent: Option<RunId>,
    pub queue: String,              // the workflow's name
    pub head: Head, pub state: Bytes, pub parts: Vec<Part>,
    pub input: [u8; 32],            // hash of the arguments: same_input
    pub due: Option<Timestamp>,     // None: at once
    pub lease: Option<Lend>,        // lend the new run to the caller at once
}
/// To whom a run is lent, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lend { pub session: SessionId, pub keep: Duration }

/// A part of a state that is written once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part { pub name: String, pub body: Bytes }

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartOp { Put(Part), Delete(String) }
