//! How many runs of a workflow are lent at once.
//!
//! Those that came through a gate are counted in an index that has no others, so a limit costs what it allows. All writers take
//! turns in SQLite, so whoever counts and lends is alone.

use rusqlite::params;

use super::{
    rows::count,
    statement::{all, one, run},
    tx::Tx,
};
use crate::store::{Wake, Want};

/// A run that a claim looks at.
pub(super) struct Candidate<'a> {
    pub(super) run: i64,
    pub(super) want: &'a Want,
    pub(super) limit_key: Option<&'a str>,
}

impl Candidate<'_> {
    /// Whether there is a place left for a run of its key, and one more besides it.
    pub(super) fn places(&self, tx: &Tx<'_>) -> rusqlite::Result<(bool, bool)> {
        let (Some(limit_key), Some(limit)) = (self.limit_key, self.want.gate.per_key) else {
            return Ok((true, true));
        };
        let others = one(
            tx.db,
            "SELECT count(*) FROM run INDEXED BY run_gated WHERE queue = ?1 AND limit_key = ?2 AND gated AND session IS NOT NULL
                 AND due_at > ?3 AND key <> ?4",
            params![self.want.queue, limit_key, tx.now.as_micros(), self.run],
            |row| count(row, 0),
        )?;
        let others = others.unwrap_or(0);
        Ok((others < u64::from(limit), others + 1 < u64::from(limit)))
    }

    /// Whether it is counted when it is lent.
    pub(super) fn is_gated(&self) -> bool {
        let gate = self.want.gate;
        gate.at_once.is_some() || gate.per_key.is_some() && self.limit_key.is_some()
    }

    /// Leaves it out of what claims look at, until others of its key are given back.
    pub(super) fn block(&self, tx: &Tx<'_>) -> rusqlite::Result<usize> {
        let sql = "UPDATE run SET blocked_at = due_at, due_at = NULL, session = NULL WHERE key = ?1";
        run(tx.db, sql, [self.run])
    }
}

/// How many runs of a workflow may be lent now, if the worker has so many slots.
pub(super) fn room(tx: &Tx<'_>, want: &Want, slots: u32) -> rusqlite::Result<u32> {
    let Some(at_once) = want.gate.at_once else { return Ok(slots) };
    let lent = one(
        tx.db,
        "SELECT count(*) FROM run INDEXED BY run_gated WHERE queue = ?1 AND gated AND session IS NOT NULL AND due_at > ?2",
        params![want.queue, tx.now.as_micros()],
        |row| count(row, 0),
    )?;
    let room = u64::from(at_once).saturating_sub(lent.unwrap_or(0));
    Ok(slots.min(u32::try_from(room).unwrap_or(u32::MAX)))
}

/// Makes the next runs of a key due, one of each version: who can't run the first of a higher one needs another. Of the version
/// `held_back`, one of those that have begun.
pub(super) fn let_through(
    tx: &mut Tx<'_>,
    queue: &str,
    limit_key: &str,
    held_back: Option<i64>,
) -> rusqlite::Result<()> {
    let mut last = -1;
    let next = "SELECT version FROM run INDEXED BY run_blocked WHERE queue = ?1 AND limit_key = ?2 AND version > ?3 AND blocked_at IS NOT NULL
         ORDER BY version LIMIT 1";
    while let Some(version) = one(tx.db, next, params![queue, limit_key, last], |row| row.get::<_, i64>(0))? {
        let followed = run(
            tx.db,
            "UPDATE run SET due_at = blocked_at, blocked_at = NULL WHERE key = (
                 SELECT key FROM run INDEXED BY run_blocked
                 WHERE queue = ?1 AND limit_key = ?2 AND version = ?3 AND blocked_at IS NOT NULL
                     AND (?3 IS NOT ?4 OR coalesce(begun_at > 0, revision > 0))
                 ORDER BY priority DESC, blocked_at LIMIT 1)",
            params![queue, limit_key, version, held_back],
        )?;
        if followed > 0 {
            tx.wakes.push(Wake::Due(tx.now));
        }
        last = version;
    }
    Ok(())
}

/// A run that was lent is so no more.
pub(super) struct LetGo {
    pub(super) queue: String,
    pub(super) limit_key: Option<String>,
    pub(super) gated: bool,
}

impl LetGo {
    /// Has those follow that waited for it.
    pub(super) fn follow(&self, tx: &mut Tx<'_>) -> rusqlite::Result<()> {
        if self.gated {
            // It may have had the last place of its workflow.
            tx.wakes.push(Wake::Due(tx.now));
        }
        self.limit_key.as_ref().map_or(Ok(()), |key| let_through(tx, &self.queue, key, None))
    }
}

/// The runs of a session that is over.
pub(super) fn of_session(tx: &Tx<'_>, session: [u8; 16]) -> rusqlite::Result<Vec<LetGo>> {
    let sql = "SELECT DISTINCT queue, limit_key, gated FROM run WHERE session = ?1 AND (gated OR limit_key IS NOT NULL)";
    all(tx.db, sql, [session], |row| {
        Ok(LetGo { queue: row.get(0)?, limit_key: row.get(1)?, gated: row.get(2)? })
    })
}
