//! Claims that find nothing, again and again: answered without reading a table.
//!
//! The basic idea is as follows: what a claim found stays true until somebody writes, a time comes or a session ends. Own
//! writes are known, those of other connections change the file's version, and sessions are seen by their locks. So an idle
//! worker reads the tables once, however often it asks.

use rusqlite::Connection;

use super::{statement::one, tx::Tx};
use crate::{
    store::{Claim, Claimed, SessionId, Want},
    time::Timestamp,
};

/// What a claim found that found nothing.
pub(super) struct Idle {
    /// The file's version before it looked.
    version: i64,
    asking: SessionId,
    /// In the order of their names.
    wants: Vec<Want>,
    next_due: Option<Timestamp>,
    /// The sessions that hold leases.
    sessions: Vec<SessionId>,
}

impl Idle {
    /// What a claim found, all of it looked up after `version`.
    pub(super) fn new(
        version: i64,
        claim: &Claim,
        next_due: Option<Timestamp>,
        sessions: Vec<SessionId>,
    ) -> Self {
        Self { version, asking: claim.session.id(), wants: sorted(&claim.wants), next_due, sessions }
    }

    /// Whether one of the sessions that held leases is over.
    pub(super) fn has_orphans(&self, tx: &Tx<'_>) -> bool {
        self.sessions.iter().any(|session| tx.shared.sessions.is_over(*session))
    }

    /// The same answer, if it is still true for this claim.
    fn answer(&self, tx: &Tx<'_>, claim: &Claim, version: i64) -> Option<Claimed> {
        let same = self.version == version
            && self.asking == claim.session.id()
            && self.wants == sorted(&claim.wants)
            && self.next_due.is_none_or(|due| due > tx.now)
            && !self.has_orphans(tx);
        same.then(|| Claimed { runs: Vec::new(), next_due: self.next_due })
    }
}

/// The answer to the last claim again, if it is still true.
pub(super) fn same_as_before(tx: &Tx<'_>, claim: &Claim, version: i64) -> Option<Claimed> {
    tx.idle.borrow().as_ref()?.answer(tx, claim, version)
}

/// The file's version as this connection sees it: it changes when another connection writes. No table is read for it.
pub(super) fn file_version(db: &Connection) -> rusqlite::Result<i64> {
    Ok(one(db, "PRAGMA data_version", [], |row| row.get(0))?.unwrap_or_default())
}

/// A worker rotates its wants from claim to claim.
fn sorted(wants: &[Want]) -> Vec<Want> {
    let mut wants = wants.to_vec();
    wants.sort_by(|a, b| a.queue.cmp(&b.queue));
    wants
}
