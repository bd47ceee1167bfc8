//! How many runs of a workflow begin in a time.
//!
//! Those that have begun are counted in an index that has no others, so a rate costs what it allows. Those that wait until more may
//! begin are in an index of their own: claims don't look at them, and they don't hold up what has begun.

use rusqlite::params;

use super::{
    gates::let_through,
    rows::{count, time},
    statement::{one, run},
    tx::Tx,
};
use crate::{
    store::{Rate, Wake, Want},
    time::Timestamp,
};

/// How many runs of a workflow may begin now.
pub(super) fn starts(tx: &Tx<'_>, want: &Want) -> rusqlite::Result<u32> {
    let Some(rate) = want.gate.rate else { return Ok(u32::MAX) };
    let begun = one(
        tx.db,
        "SELECT count(*) FROM run INDEXED BY run_begun WHERE queue = ?1 AND begun_at > 0 AND begun_at > ?2",
        params![want.queue, rate.since(tx.now).as_micros()],
        |row| count(row, 0),
    )?;
    let left = u64::from(rate.starts.get()).saturating_sub(begun.unwrap_or(0));
    Ok(u32::try_from(left).unwrap_or(u32::MAX))
}

/// Leaves a run out of what claims look at until more of its workflow may begin. It leaves its turn to the next of its key that has
/// begun, and to one of each other version; the others follow when it has had its turn.
pub(super) fn hold_back(
    tx: &mut Tx<'_>,
    want: &Want,
    run_key: i64,
    limit_key: Option<&str>,
) -> rusqlite::Result<()> {
    let sql =
        "UPDATE run SET paced_at = due_at, due_at = NULL, session = NULL WHERE key = ?1 RETURNING version";
    let version = one(tx.db, sql, [run_key], |row| row.get::<_, i64>(0))?;
    limit_key.map_or(Ok(()), |limit_key| let_through(tx, &want.queue, limit_key, version))
}

/// Other workers learn when more may begin.
pub(super) fn tell(tx: &mut Tx<'_>, want: &Want) -> rusqlite::Result<()> {
    let next = next_start(tx, want)?;
    tx.wakes.extend(next.map(Wake::Due));
    Ok(())
}

/// Makes so many of those due that were held back: those of the highest priority first, and of those the ones that were due first.
pub(super) fn let_begin(tx: &Tx<'_>, want: &Want, most: u32) -> rusqlite::Result<usize> {
    run(
        tx.db,
        "UPDATE run SET due_at = paced_at, paced_at = NULL WHERE key IN (
             SELECT key FROM run INDEXED BY run_paced
             WHERE queue = ?1 AND version <= ?2 AND paced_at IS NOT NULL AND due_at IS NULL
             ORDER BY priority DESC, paced_at LIMIT ?3)",
        params![want.queue, want.version, most],
    )
}

/// When the next run may begin of those that were held back.
pub(super) fn next_start(tx: &Tx<'_>, want: &Want) -> rusqlite::Result<Option<Timestamp>> {
    let waits = "SELECT 1 FROM run INDEXED BY run_paced WHERE queue = ?1 AND version <= ?2 AND paced_at IS NOT NULL LIMIT 1";
    if one(tx.db, waits, params![want.queue, want.version], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    let Some(Rate { starts, per }) = want.gate.rate else { return Ok(Some(tx.now)) };
    // The last one that makes them as many as there may be: when its time is over there is one less.
    let last = one(
        tx.db,
        "SELECT begun_at FROM run INDEXED BY run_begun WHERE queue = ?1 AND begun_at > 0 ORDER BY begun_at DESC LIMIT 1 OFFSET ?2",
        params![want.queue, starts.get() - 1],
        |row| time(row, 0),
    )?;
    Ok(Some(last.map_or(tx.now, |last| last.saturating_add(per).max(tx.now))))
}
