//! The reader's thread: its own connection, so that no read waits for the disk.

use std::sync::{Arc, mpsc::Receiver};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{Shared, statement::run as execute, task::Answer};
use crate::store::{
    Operation, Stamped,
    nature::{Nature, store_error},
};

/// One queued read.
pub(super) type Reading = Box<dyn FnOnce(&Connection, &Shared) + Send>;

/// A read in a transaction of its own, so that all of it is of one moment, and its answer's way home.
pub(super) fn reading<T: Send + 'static>(
    operation: Operation,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    reply: oneshot::Sender<Answer<T>>,
) -> Reading {
    Box::new(move |db, shared| {
        let now = shared.clock.now();
        let answer = in_transaction(db, read)
            .map(|value| Stamped { now, value })
            .map_err(|error| store_error(&shared.name, operation, Nature::from(&error), Arc::new(error)));
        // Nobody may be waiting any more.
        let _ = reply.send(answer);
    })
}

/// Reads in a transaction. rusqlite's own would compile its beginning and its end anew each time.
fn in_transaction<T>(
    db: &Connection,
    read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    execute(db, "BEGIN", [])?;
    let value = read(db);
    execute(db, "COMMIT", [])?;
    value
}

/// Reads until the store is dropped.
pub(super) fn run(db: &Connection, shared: &Shared, queue: &Receiver<Reading>) {
    while let Ok(reading) = queue.recv() {
        reading(db, shared);
    }
}
