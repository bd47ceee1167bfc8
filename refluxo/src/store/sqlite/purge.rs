//! `purge`.

use rusqlite::{params_from_iter, types::Value};

use super::{
    entries::Chain,
    filter::Conditions,
    statement::{all, run},
    tx::Tx,
};
use crate::store::Filter;

/// Removes ended runs with all that belongs to them, those that ended first.
pub(super) fn purge(tx: &Tx<'_>, filter: &Filter, limit: u32) -> rusqlite::Result<u32> {
    let mut conditions = Conditions::of(filter);
    conditions.and("ended_at IS NOT NULL AND owes = 0", []);
    let no_children =
        "NOT EXISTS (SELECT 1 FROM run child WHERE child.parent = run.id AND child.ended_at IS NULL)";
    conditions.and(no_children, []);
    let (condition, mut values) = conditions.into_sql();
    values.push(Value::Integer(limit.into()));
    // Without it SQLite may choose an index that leads it through all the runs that live.
    let sql = format!(
        "SELECT key, last_entry FROM run INDEXED BY run_ended WHERE {condition} ORDER BY ended_at, id LIMIT ?"
    );
    let gone: Vec<Chain> = all(tx.db, &sql, params_from_iter(values), |row| {
        Ok(Chain { run: row.get(0)?, last: row.get(1)?, length: 0 })
    })?;
    let mut purged = 0;
    for mut chain in gone {
        chain.trim(tx.db, 0)?;
        for sql in [
            "DELETE FROM part WHERE run = ?1",
            "DELETE FROM inbox WHERE run = ?1",
            "DELETE FROM sender_key WHERE run = ?1",
            "DELETE FROM attribute WHERE run = ?1",
            "DELETE FROM run WHERE key = ?1",
        ] {
            run(tx.db, sql, [chain.run])?;
        }
        purged += 1;
    }
    Ok(purged)
}
