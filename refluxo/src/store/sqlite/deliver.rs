//! `deliver`.

use rusqlite::params;

use super::{
    rows::{count, int, optional_time, status, uid},
    statement::{one, run},
    tx::Tx,
};
use crate::{
    store::{Delivered, Limits, Message, RunId, Seq, Status, Uid, Wake},
    time::Timestamp,
};

/// What a delivery needs to know of its run.
struct Inbox {
    run: i64,
    uid: Uid,
    status: Status,
    leased: bool,
    due: Option<Timestamp>,
    last: Seq,
    count: u64,
    bytes: u64,
}

/// Appends a message and rings, if the inbox has room.
pub(super) fn deliver_within_bounds(tx: &mut Tx<'_>, message: &Message) -> rusqlite::Result<Delivered> {
    let limits = tx.limits();
    deliver(tx, message, Some(limits))
}

/// Appends a message and rings. `limits` is `None` for the effect of a commit.
pub(super) fn deliver(
    tx: &mut Tx<'_>,
    message: &Message,
    limits: Option<&Limits>,
) -> rusqlite::Result<Delivered> {
    let Some(inbox) = find(tx, &message.to)? else { return Ok(Delivered::NoRun) };
    if message.uid.is_some_and(|uid| uid != inbox.uid) {
        return Ok(Delivered::NoRun);
    }
    if let Some(key) = &message.key
        && is_known(tx, inbox.run, key)?
    {
        return Ok(Delivered::Duplicate);
    }
    if inbox.status.is_ended() {
        return Ok(Delivered::Finished);
    }
    let bytes = message.body.len() as u64;
    if limits.is_some_and(|l| inbox.count >= l.inbox_messages || inbox.bytes + bytes > l.inbox_bytes) {
        return Ok(Delivered::Full);
    }
    append(tx, &inbox, message)
}

fn find(tx: &Tx<'_>, id: &RunId) -> rusqlite::Result<Option<Inbox>> {
    let sql = "SELECT key, uid, status, session IS NOT NULL, due_at, inbox_last, inbox_count, inbox_bytes
         FROM run WHERE id = ?1";
    one(tx.db, sql, [id.as_str()], |row| {
        Ok(Inbox {
            run: row.get(0)?,
            uid: uid(row, 1)?,
            status: status(row, 2)?,
            leased: row.get(3)?,
            due: optional_time(row, 4)?,
            last: Seq(count(row, 5)?),
            count: count(row, 6)?,
            bytes: count(row, 7)?,
        })
    })
}

/// Whether a message with this key waits or was consumed not long ago.
fn is_known(tx: &Tx<'_>, run: i64, key: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT until FROM sender_key WHERE run = ?1 AND key = ?2";
    let until: Option<Option<i64>> = one(tx.db, sql, params![run, key], |row| row.get(0))?;
    Ok(until.is_some_and(|until| until.is_none_or(|until| until > tx.now.as_micros())))
}

fn append(tx: &mut Tx<'_>, inbox: &Inbox, message: &Message) -> rusqlite::Result<Delivered> {
    let seq = inbox.last.next();
    let (now, last, bytes) = (tx.now.as_micros(), int(seq.0), int(message.body.len() as u64));
    run(
        tx.db,
        "INSERT INTO inbox (run, seq, key, kind, body, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![inbox.run, last, message.key, message.kind, &message.body[..], now],
    )?;
    if let Some(key) = &message.key {
        let sql = "INSERT INTO sender_key (run, key) VALUES (?1, ?2) ON CONFLICT (run, key) DO UPDATE SET until = NULL";
        run(tx.db, sql, params![inbox.run, key])?;
    }
    // A run that rests is due; in all other cases the due time stays, and with it the index.
    if !inbox.leased && inbox.due.is_none_or(|due| due > tx.now) {
        let sql =
            "UPDATE run SET inbox_last = ?2, inbox_count = inbox_count + 1, inbox_bytes = inbox_bytes + ?3,
             due_at = coalesce(blocked_at, paced_at, ?4), blocked_at = NULL, paced_at = NULL WHERE key = ?1";
        run(tx.db, sql, params![inbox.run, last, bytes, now])?;
    } else {
        let sql =
            "UPDATE run SET inbox_last = ?2, inbox_count = inbox_count + 1, inbox_bytes = inbox_bytes + ?3
             WHERE key = ?1";
        run(tx.db, sql, params![inbox.run, last, bytes])?;
    }
    tx.wakes.push(if inbox.leased { Wake::Bell(message.to.clone()) } else { Wake::Due(tx.now) });
    Ok(Delivered::Stored { seq })
}
