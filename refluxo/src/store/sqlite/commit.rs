//! `commit`.

use rusqlite::{Connection, params};

use super::{
    effects,
    entries::Chain,
    gates::LetGo,
    rows::{count, int, optional_time, status, token},
    statement::{one, run},
    tx::Tx,
};
use crate::{
    store::{
        AttrOp, Commit, Committed, Operation, PartOp, Revision, RunId, Seq, Status, StoreError, Then, Token,
        Wake,
    },
    time::Timestamp,
};

/// A consumed message's key is forgotten in its time. Old keys are looked for once in so many consumed messages.
const FORGET_EVERY: u64 = 256;

/// What a commit needs to know of its run.
struct Found {
    run: i64,
    token: Option<Token>,
    session: Option<[u8; 16]>,
    due: Option<Timestamp>,
    revision: Revision,
    status: Status,
    version: u32,
    inbox_last: Seq,
    inbox_read: Seq,
    inbox_count: u64,
    chain: Chain,
    ended: Option<Timestamp>,
    owes: bool,
}

/// What a commit needs to know of its run. All of it stands before the state in the table, which may be long.
pub(super) const FIND: &str =
    "SELECT key, token, session, due_at, revision, status, version, inbox_last, inbox_read, inbox_count,
         last_entry, entries, ended_at, owes FROM run WHERE id = ?1";

/// The step from one state to the next: no column of an index is named, so that SQLite leaves them all alone.
pub(super) const GO_ON: &str =
    "UPDATE run SET claims = 0, at = ?2, head = ?3, state = coalesce(?4, state), revision = ?5, inbox_read = ?6,
         inbox_count = inbox_count - ?7, inbox_bytes = inbox_bytes - ?8, entries = ?9, last_entry = ?10,
         updated_at = ?11, owes = ?12
     WHERE key = ?1";

fn find(tx: &mut Tx<'_>, id: &RunId) -> rusqlite::Result<Option<Found>> {
    tx.step.find.one([id.as_str()], |row| {
        Ok(Found {
            run: row.get(0)?,
            token: token(row, 1)?,
            session: row.get(2)?,
            due: optional_time(row, 3)?,
            revision: Revision(count(row, 4)?),
            status: status(row, 5)?,
            version: row.get(6)?,
            inbox_last: Seq(count(row, 7)?),
            inbox_read: Seq(count(row, 8)?),
            inbox_count: count(row, 9)?,
            chain: Chain { run: row.get(0)?, last: row.get(10)?, length: count(row, 11)? },
            ended: optional_time(row, 12)?,
            owes: row.get(13)?,
        })
    })
}

/// Applies a commit if its fence is open.
pub(super) fn commit(tx: &mut Tx<'_>, commit: &Commit) -> rusqlite::Result<Committed> {
    if let Err(invalid) = commit.check() {
        return Ok(Committed::Rejected(StoreError::fatal(&tx.shared.name, Operation::Commit, invalid)));
    }
    let lease = &commit.lease;
    let Some(mut found) = find(tx, &lease.run)? else { return Ok(Committed::Lost) };
    if found.token != Some(lease.token) {
        return Ok(Committed::Lost);
    }
    if found.revision == lease.revision.next() {
        // It was applied before and is sent again.
        return answer(tx, &found, commit);
    }
    if found.revision != lease.revision || found.session.is_none() {
        return Ok(Committed::Lost);
    }
    found.revision = found.revision.next();
    apply(tx, &mut found, commit)?;
    answer(tx, &found, commit)
}

fn answer(tx: &Tx<'_>, found: &Found, commit: &Commit) -> rusqlite::Result<Committed> {
    let owed = if found.owes { effects::load(tx.db, found.run)? } else { Vec::new() };
    let more = found.ended.is_none() && found.inbox_last > commit.seen;
    Ok(Committed::Done { revision: found.revision, more, owed })
}

/// Writes all of a commit.
fn apply(tx: &mut Tx<'_>, found: &mut Found, commit: &Commit) -> rusqlite::Result<()> {
    write_parts(tx.db, found.run, &commit.parts)?;
    write_attributes(tx.db, found.run, &commit.attributes)?;
    let consumed = consume(tx, found, commit)?;
    found.chain.append(tx, found.revision, &commit.entries)?;
    found.owes = found.owes && effects::settle(tx.db, found.run, &commit.settled)?;
    write_run(tx, found, commit, consumed)?;
    // Last, since a run may send a message to itself.
    if effects::apply(tx, found.run, found.revision, &commit.effects)? {
        found.owes = true;
        // A run that owes does not rest.
        let sql = "UPDATE run SET owes = 1, due_at = iif(session IS NULL, ?2, due_at) WHERE key = ?1";
        run(tx.db, sql, params![found.run, tx.now.as_micros()])?;
        tx.wakes.push(Wake::Due(tx.now));
    }
    if commit.unbegun {
        run(tx.db, "UPDATE run SET begun_at = -1 WHERE key = ?1", [found.run])?;
        // Another one may begin instead.
        tx.wakes.push(Wake::Due(tx.now));
    }
    match commit.then {
        Then::Go => Ok(()),
        Then::Rest { .. } | Then::End => let_go(tx, found.run),
    }
}

/// Has those follow that waited for a run which is let go of.
fn let_go(tx: &mut Tx<'_>, key: i64) -> rusqlite::Result<()> {
    let sql = "SELECT queue, limit_key, gated FROM run WHERE key = ?1";
    let let_go = one(tx.db, sql, [key], |row| {
        Ok(LetGo { queue: row.get(0)?, limit_key: row.get(1)?, gated: row.get(2)? })
    })?;
    let_go.map_or(Ok(()), |let_go| let_go.follow(tx))
}

fn write_parts(db: &Connection, key: i64, ops: &[PartOp]) -> rusqlite::Result<()> {
    for op in ops {
        match op {
            PartOp::Put(part) => run(
                db,
                "INSERT INTO part (run, name, body) VALUES (?1, ?2, ?3)
                 ON CONFLICT (run, name) DO UPDATE SET body = ?3",
                params![key, part.name, &part.body[..]],
            )?,
            PartOp::Delete { name } => {
                run(db, "DELETE FROM part WHERE run = ?1 AND name = ?2", params![key, name])?
            }
        };
    }
    Ok(())
}

fn write_attributes(db: &Connection, key: i64, ops: &[AttrOp]) -> rusqlite::Result<()> {
    for op in ops {
        match op {
            AttrOp::Set { name, value } => run(
                db,
                "INSERT INTO attribute (run, name, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (run, name) DO UPDATE SET value = ?3",
                params![key, name, value],
            )?,
            AttrOp::Remove { name } => {
                run(db, "DELETE FROM attribute WHERE run = ?1 AND name = ?2", params![key, name])?
            }
        };
    }
    Ok(())
}

/// Removes consumed messages, all of them at the run's end; tells how many they were and how many bytes.
fn consume(tx: &Tx<'_>, found: &Found, commit: &Commit) -> rusqlite::Result<(i64, i64)> {
    let (mut messages, mut bytes) = (0, 0);
    let until = tx.now.saturating_add(tx.limits().key_memory).as_micros();
    for seq in &commit.consume {
        let sql = "DELETE FROM inbox WHERE run = ?1 AND seq = ?2 RETURNING key, length(body)";
        let gone = one(tx.db, sql, params![found.run, int(seq.0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some((key, length)): Option<(Option<String>, i64)> = gone else { continue };
        (messages, bytes) = (messages + 1, bytes + length);
        if let Some(key) = key {
            let sql = "UPDATE sender_key SET until = ?3 WHERE run = ?1 AND key = ?2";
            run(tx.db, sql, params![found.run, key, until])?;
        }
        if seq.0.is_multiple_of(FORGET_EVERY) {
            let sql = "DELETE FROM sender_key WHERE run = ?1 AND until <= ?2";
            run(tx.db, sql, params![found.run, tx.now.as_micros()])?;
        }
    }
    if commit.then == Then::End && found.inbox_count > u64::try_from(messages).unwrap_or(0) {
        let sql = "DELETE FROM inbox WHERE run = ?1 RETURNING length(body)";
        for length in super::statement::all(tx.db, sql, [found.run], |row| row.get::<_, i64>(0))? {
            (messages, bytes) = (messages + 1, bytes + length);
        }
        run(tx.db, "DELETE FROM sender_key WHERE run = ?1 AND until IS NULL", [found.run])?;
    }
    Ok((messages, bytes))
}

/// Writes the run's own row.
fn write_run(
    tx: &mut Tx<'_>,
    found: &mut Found,
    commit: &Commit,
    (messages, bytes): (i64, i64),
) -> rusqlite::Result<()> {
    let now = tx.now;
    let due = match commit.then {
        Then::Go => found.due,
        Then::Rest { .. } if found.inbox_last > commit.seen || found.owes => Some(now),
        Then::Rest { due } => due,
        Then::End => found.owes.then_some(now),
    };
    if commit.then == Then::End {
        if found.ended.is_none() {
            tx.wakes.push(Wake::Ended(commit.lease.run.clone()));
        }
        found.ended.get_or_insert(now);
        found.inbox_read = found.inbox_last;
    }
    let read = found.inbox_read.max(commit.seen.min(found.inbox_last));
    let (head, state) = (&commit.head, commit.state.as_deref());
    let stays = commit.then == Then::Go && (head.status, head.version) == (found.status, found.version);
    let (revision, read) = (int(found.revision.0), int(read.0));
    let (length, last) = (int(found.chain.length), found.chain.last);
    let micros = now.as_micros();
    if stays {
        tx.step.go_on.run(params![
            found.run,
            head.at,
            &head.body[..],
            state,
            revision,
            read,
            messages,
            bytes,
            length,
            last,
            micros,
            found.owes,
        ])?;
        return Ok(());
    }
    let session = if commit.then == Then::Go { found.session } else { None };
    if let (None, Some(due)) = (session, due) {
        tx.wakes.push(Wake::Due(due.max(now)));
    }
    run(
        tx.db,
        "UPDATE run SET claims = 0, at = ?2, head = ?3, state = coalesce(?4, state), revision = ?5, inbox_read = ?6,
             inbox_count = inbox_count - ?7, inbox_bytes = inbox_bytes - ?8, entries = ?9, last_entry = ?10,
             updated_at = ?11, owes = ?12, status = ?13, version = ?14, due_at = ?15, session = ?16, ended_at = ?17
         WHERE key = ?1",
        params![
            found.run, head.at, &head.body[..], state, revision, read, messages, bytes, length, last, micros,
            found.owes, head.status.as_str(), head.version, due.map(Timestamp::as_micros), session,
            found.ended.map(Timestamp::as_micros),
        ],
    )?;
    Ok(())
}
