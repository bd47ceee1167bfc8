//! Prepared statements in one line each.

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

/// Runs a statement that returns no rows; tells how many it has changed.
pub(super) fn run(db: &Connection, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
    db.prepare_cached(sql)?.execute(params)
}

/// Runs a statement that returns one row at most.
pub(super) fn one<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    db.prepare_cached(sql)?.query_row(params, read).optional()
}

/// A statement that one transaction runs many times: it is looked up when it is first needed, and then kept. For one short statement
/// the look-up is a sixth of what it costs.
pub(super) struct Kept<'a> {
    db: &'a Connection,
    sql: &'static str,
    found: Option<CachedStatement<'a>>,
}

impl<'a> Kept<'a> {
    pub(super) fn new(db: &'a Connection, sql: &'static str) -> Self {
        Self { db, sql, found: None }
    }

    /// As [`run`].
    pub(super) fn run(&mut self, params: impl Params) -> rusqlite::Result<usize> {
        self.get()?.execute(params)
    }

    /// As [`one`].
    pub(super) fn one<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.get()?.query_row(params, read).optional()
    }

    fn get(&mut self) -> rusqlite::Result<&mut CachedStatement<'a>> {
        match &mut self.found {
            Some(found) => Ok(found),
            place @ None => Ok(place.insert(self.db.prepare_cached(self.sql)?)),
        }
    }
}

/// Runs a statement that returns rows.
pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    db.prepare_cached(sql)?.query_map(params, read)?.collect()
}
