//! `create` in a transaction of the program's own, on a connection of its own.

use std::{any::Any, cell::RefCell, fs, path::PathBuf};

use rusqlite::Connection;

use super::{Shared, create::create, transaction::SqliteTransaction, tx::Tx};
use crate::store::{Created, NewRun, Operation, Stamped, StoreError, Wake, transaction::NoTransactions};

/// The run would be there at once, and in part if something fails.
#[derive(Debug, thiserror::Error)]
#[error("the connection is in no transaction: begin one, or start the run by `engine.start`")]
struct NotBegun;

/// A transaction on another file.
#[derive(Debug, thiserror::Error)]
#[error(
    "the transaction is one of {}, where these runs are not kept: take a connection to the store's own file",
    found.display()
)]
struct OtherFile {
    found: PathBuf,
}

/// Creates a run in the transaction that is open on this connection, or in which a step writes.
///
/// Workers see by the file's version that somebody else has committed. Those of the step's own store are told by its commit.
pub(super) fn create_in(
    shared: &Shared,
    connection: &dyn Any,
    run: &NewRun,
) -> Result<Stamped<Created>, StoreError> {
    if let Some(transaction) = connection.downcast_ref::<SqliteTransaction>() {
        let (created, wakes) = create_on(shared, transaction, run)?;
        transaction.wake_later(wakes);
        return Ok(created);
    }
    match connection.downcast_ref::<Connection>() {
        Some(db) => create_on(shared, db, run).map(|(created, _)| created),
        None => Err(StoreError::fatal(&shared.name, Operation::Create, NoTransactions)),
    }
}

fn create_on(
    shared: &Shared,
    db: &Connection,
    run: &NewRun,
) -> Result<(Stamped<Created>, Vec<Wake>), StoreError> {
    let name = &shared.name;
    if db.is_autocommit() {
        return Err(StoreError::fatal(name, Operation::Create, NotBegun));
    }
    let found = PathBuf::from(db.path().unwrap_or_default());
    if fs::canonicalize(&found).ok().as_ref() != Some(&shared.path) {
        return Err(StoreError::fatal(name, Operation::Create, OtherFile { found }));
    }
    let (now, idle) = (shared.clock.now(), RefCell::new(None));
    // It has a savepoint: what fails leaves the program's transaction as it was.
    let mut tx = Tx::new(db, shared, &idle, now, true);
    let created = tx.each(std::slice::from_ref(run), Operation::Create, Created::Rejected, create);
    let created = created.map_err(|error| tx.error(Operation::Create, error))?;
    // There is one for each item.
    let value = created.into_iter().next().unwrap_or(Created::New { lease: None });
    Ok((Stamped { now, value }, tx.wakes))
}
