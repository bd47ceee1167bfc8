//! Histories: chains of entries in one table that only grows at its end.

use bytes::Bytes;
use rusqlite::{Connection, params};

use super::{
    rows::{bytes, count, int, time},
    statement::{one, run},
    tx::Tx,
};
use crate::store::{Entry, EntryId, Page, Revision, RunId};

/// Appends an entry.
pub(super) const APPEND: &str =
    "INSERT INTO entry (run, prev, revision, at, body) VALUES (?1, ?2, ?3, ?4, ?5)";

/// A run's chain.
pub(super) struct Chain {
    /// The run.
    pub(super) run: i64,
    /// Its newest entry.
    pub(super) last: Option<i64>,
    /// How many entries it has.
    pub(super) length: u64,
}

impl Chain {
    /// Appends entries of one revision, and lets go of old ones when there are too many.
    pub(super) fn append(
        &mut self,
        tx: &mut Tx<'_>,
        revision: Revision,
        bodies: &[Bytes],
    ) -> rusqlite::Result<()> {
        for body in bodies {
            let at = tx.now.as_micros();
            tx.step.append.run(params![self.run, self.last, int(revision.0), at, &body[..]])?;
            self.last = Some(tx.db.last_insert_rowid());
            self.length += 1;
        }
        // To find the end of the chain it must be walked, so that is done once in many entries.
        let bound = tx.limits().history_entries;
        if self.length > bound + bound / 4 {
            self.trim(tx.db, bound)?;
        }
        Ok(())
    }

    /// Removes all but the newest `keep` entries.
    pub(super) fn trim(&mut self, db: &Connection, keep: u64) -> rusqlite::Result<()> {
        let mut next = self.last;
        for _ in 0..keep {
            let Some(id) = next else { return Ok(()) };
            next = prev(db, id)?;
        }
        // What the oldest entry that stays names as its predecessor is not there any more; its id can't be given to
        // another entry, since ids grow beyond the highest in the table.
        while let Some(id) = next {
            next = prev(db, id)?;
            if run(db, "DELETE FROM entry WHERE id = ?1", [id])? == 0 {
                break;
            }
        }
        self.length = keep;
        Ok(())
    }
}

fn prev(db: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    Ok(one(db, "SELECT prev FROM entry WHERE id = ?1", [id], |row| row.get(0))?.flatten())
}

/// A page of a run's history.
pub(super) fn history(db: &Connection, id: &RunId, page: Page) -> rusqlite::Result<Vec<Entry>> {
    let sql = "SELECT key, last_entry FROM run WHERE id = ?1";
    let found = one(db, sql, [id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((key, last)): Option<(i64, Option<i64>)> = found else { return Ok(Vec::new()) };
    let mut next = match page.before {
        None => last,
        // An entry of another life of the id leads nowhere.
        Some(before) => {
            let sql = "SELECT prev FROM entry WHERE id = ?1 AND run = ?2";
            one(db, sql, [int(before.0), key], |row| row.get(0))?.flatten()
        }
    };
    let mut entries = Vec::new();
    while let Some(id) = next {
        if entries.len() >= page.limit as usize {
            break;
        }
        let found = one(db, "SELECT id, revision, at, body, prev FROM entry WHERE id = ?1", [id], |row| {
            let (id, revision) = (EntryId(count(row, 0)?), Revision(count(row, 1)?));
            Ok((Entry { id, revision, at: time(row, 2)?, body: bytes(row, 3)? }, row.get(4)?))
        })?;
        let Some((entry, prev)) = found else { break };
        entries.push(entry);
        next = prev;
    }
    Ok(entries)
}
