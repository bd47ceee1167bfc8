//! One transaction, as the operations see it.

use std::{cell::RefCell, sync::Arc};

use rusqlite::Connection;

use super::{
    Shared, commit, entries,
    idle::Idle,
    statement::{Kept, run},
};
use crate::{
    store::{
        Limits, Operation, StoreError, Wake,
        nature::{Nature, store_error},
    },
    time::Timestamp,
};

/// One transaction of the writer.
pub(super) struct Tx<'a> {
    pub(super) db: &'a Connection,
    pub(super) shared: &'a Shared,
    /// The store's time of all that is written in it.
    pub(super) now: Timestamp,
    /// What the last claim found, if that was nothing.
    pub(super) idle: &'a RefCell<Option<Idle>>,
    /// Whether each item has a savepoint of its own.
    careful: bool,
    /// What listeners are to be told once it is committed.
    pub(super) wakes: Vec<Wake>,
    pub(super) step: StepStatements<'a>,
}

/// The statements of a commit that goes on from one step to the next.
pub(super) struct StepStatements<'a> {
    pub(super) find: Kept<'a>,
    pub(super) append: Kept<'a>,
    pub(super) go_on: Kept<'a>,
}

impl<'a> Tx<'a> {
    pub(super) fn new(
        db: &'a Connection,
        shared: &'a Shared,
        idle: &'a RefCell<Option<Idle>>,
        now: Timestamp,
        careful: bool,
    ) -> Self {
        let step = StepStatements {
            find: Kept::new(db, commit::FIND),
            append: Kept::new(db, entries::APPEND),
            go_on: Kept::new(db, commit::GO_ON),
        };
        Self { db, shared, now, idle, careful, wakes: Vec::new(), step }
    }

    pub(super) fn limits(&self) -> &'a Limits {
        &self.shared.limits
    }

    /// Does one operation for each item.
    ///
    /// The first try goes without savepoints, for items hardly ever fail, and an error ends it. In the second try
    /// (`careful`) an item that fails is undone alone and answered by `reject`.
    pub(super) fn each<I, T>(
        &mut self,
        items: &[I],
        operation: Operation,
        reject: fn(StoreError) -> T,
        mut each: impl FnMut(&mut Self, &I) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        if !self.careful {
            return items.iter().map(|item| each(self, item)).collect();
        }
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let heard = self.wakes.len();
            run(self.db, "SAVEPOINT item", [])?;
            answers.push(match each(self, item) {
                Ok(answer) => answer,
                // The whole transaction is gone, as when the disk is full.
                Err(error) if self.db.is_autocommit() => return Err(error),
                Err(error) => {
                    run(self.db, "ROLLBACK TO item", [])?;
                    self.wakes.truncate(heard);
                    reject(self.error(operation, error))
                }
            });
            run(self.db, "RELEASE item", [])?;
        }
        Ok(answers)
    }

    /// The error of one item.
    pub(super) fn error(&self, operation: Operation, error: rusqlite::Error) -> StoreError {
        store_error(&self.shared.name, operation, Nature::from(&error), Arc::new(error))
    }
}
