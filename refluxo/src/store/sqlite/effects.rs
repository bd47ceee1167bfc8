//! The effects of commits: applied in the same transaction, and kept where they can't be.

use rusqlite::{Connection, params};

use super::{
    create::create,
    deliver::deliver,
    rows::{count, int},
    statement::{all, one, run},
    tx::Tx,
};
use crate::store::{Created, Effect, EffectId, NewRun, Owed, Revision, Start};

/// Applies a commit's effects; tells whether some are owed.
pub(super) fn apply(
    tx: &mut Tx<'_>,
    key: i64,
    revision: Revision,
    effects: &[Effect],
) -> rusqlite::Result<bool> {
    let mut owes = false;
    for (effect, place) in effects.iter().zip(0_u32..) {
        let new = match effect {
            Effect::Deliver(message) => {
                deliver(tx, message, None)?;
                continue;
            }
            // The answer to a commit has no place for a lease.
            Effect::Start(new) if matches!(new.start, Start::Lent { .. }) => {
                NewRun { start: Start::Now, ..(**new).clone() }
            }
            Effect::Start(new) => (**new).clone(),
        };
        if matches!(create(tx, &new)?, Created::New { .. }) {
            continue;
        }
        let effect = Effect::Start(Box::new(new));
        let body = serde_json::to_vec(&effect)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let sql = "INSERT INTO owed (run, revision, place, effect) VALUES (?1, ?2, ?3, ?4)";
        run(tx.db, sql, params![key, int(revision.0), place, body])?;
        owes = true;
    }
    Ok(owes)
}

/// Forgets effects that were carried out; tells whether some are still owed.
pub(super) fn settle(db: &Connection, key: i64, settled: &[EffectId]) -> rusqlite::Result<bool> {
    for id in settled {
        let sql = "DELETE FROM owed WHERE run = ?1 AND revision = ?2 AND place = ?3";
        run(db, sql, params![key, int(id.revision.0), id.index])?;
    }
    Ok(one(db, "SELECT 1 FROM owed WHERE run = ?1 LIMIT 1", [key], |_| Ok(()))?.is_some())
}

/// The effects that a run owes.
pub(super) fn load(db: &Connection, key: i64) -> rusqlite::Result<Vec<Owed>> {
    let sql = "SELECT revision, place, effect FROM owed WHERE run = ?1 ORDER BY revision, place";
    all(db, sql, [key], |row| {
        let id = EffectId { revision: Revision(count(row, 0)?), index: row.get(1)? };
        let effect = serde_json::from_slice(row.get_ref(2)?.as_blob()?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Blob, error.into())
        })?;
        Ok(Owed { id, effect })
    })
}
