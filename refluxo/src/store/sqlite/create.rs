//! `create`.

use rusqlite::params;

use super::{
    lend::new_lease,
    rows::{count, int, optional_time, token, uid},
    statement::{one, run},
    tx::Tx,
};
use crate::{
    store::{Created, InputHash, Lease, NewRun, Revision, SessionId, Start, Wake},
    time::Timestamp,
};

/// Creates a run, and lends it if it says so.
pub(super) fn create(tx: &mut Tx<'_>, new: &NewRun) -> rusqlite::Result<Created> {
    let (due, lent) = match &new.start_as_claimed() {
        Start::Now => (tx.now, None),
        Start::At(due) => (*due, None),
        Start::Lent { session, keep } => {
            let until = tx.now.saturating_add(*keep);
            let lease = new_lease(tx, new.id.clone(), Revision(0), session, until)?;
            (until, Some((lease, session.id())))
        }
    };
    if !insert(tx, new, due, lent.as_ref())? {
        return exists(tx, new);
    }
    if lent.is_none() {
        tx.wakes.push(Wake::Due(due));
    }
    Ok(Created::New { lease: lent.map(|(lease, _)| lease) })
}

/// Writes all of a new run; nothing and `false` if the id is in use.
fn insert(
    tx: &mut Tx<'_>,
    new: &NewRun,
    due: Timestamp,
    lent: Option<&(Lease, SessionId)>,
) -> rusqlite::Result<bool> {
    let now = tx.now.as_micros();
    let inserted = run(
        tx.db,
        "INSERT INTO run (id, uid, root, parent, queue, input, version, status, at, head, state, due_at, token, session,
             claims, revision, inbox_last, inbox_read, inbox_count, inbox_bytes, entries, owes, created_at, updated_at, priority,
             limit_key)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, 0, 0, 0, 0, 0, 0, 0, ?16, ?16, ?17, ?18)
         ON CONFLICT (id) DO NOTHING",
        params![
            new.id.as_str(),
            new.uid.as_u128().to_be_bytes(),
            new.root.as_str(),
            new.parent.as_ref().map(crate::store::RunId::as_str),
            new.queue,
            new.input.0,
            new.head.version,
            new.head.status.as_str(),
            new.head.at,
            &new.head.body[..],
            &new.state[..],
            due.as_micros(),
            lent.map(|(lease, _)| lease.token.as_u128().to_be_bytes()),
            lent.map(|(_, session)| session.as_u128().to_be_bytes()),
            lent.is_some(),
            now,
            new.lane.priority,
            new.lane.key,
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    let key = tx.db.last_insert_rowid();
    for part in &new.parts {
        let sql = "INSERT INTO part (run, name, body) VALUES (?1, ?2, ?3) ON CONFLICT (run, name) DO UPDATE SET body = ?3";
        run(tx.db, sql, params![key, part.name, &part.body[..]])?;
    }
    for attribute in &new.attributes {
        let sql = "INSERT INTO attribute (run, name, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (run, name) DO UPDATE SET value = ?3";
        run(tx.db, sql, params![key, attribute.name, attribute.value])?;
    }
    let mut chain = super::entries::Chain { run: key, last: None, length: 0 };
    if !new.entries.is_empty() {
        chain.append(tx, Revision(0), &new.entries)?;
        run(
            tx.db,
            "UPDATE run SET entries = ?2, last_entry = ?3 WHERE key = ?1",
            params![key, int(chain.length), chain.last],
        )?;
    }
    Ok(true)
}

/// The answer under an id that is in use.
fn exists(tx: &Tx<'_>, new: &NewRun) -> rusqlite::Result<Created> {
    let sql = "SELECT uid, queue, input, token, session, revision, due_at FROM run WHERE id = ?1";
    let found = one(tx.db, sql, [new.id.as_str()], |row| {
        Ok((
            uid(row, 0)?,
            row.get::<_, String>(1)?,
            InputHash(row.get(2)?),
            token(row, 3)?,
            row.get::<_, Option<[u8; 16]>>(4)?.map(|id| SessionId::from_u128(u128::from_be_bytes(id))),
            count(row, 5)?,
            optional_time(row, 6)?,
        ))
    })?;
    let Some((uid, queue, input, token, holder, revision, due)) = found else {
        // It was there a moment ago, and this is the only writer.
        return Err(rusqlite::Error::QueryReturnedNoRows);
    };
    if uid != new.uid {
        return Ok(Created::Exists { uid, queue, same_input: input == new.input });
    }
    // The same `create` again: the first answer again, as long as it is still true.
    let asking = match new.start_as_claimed() {
        Start::Lent { session, .. } => Some(session.id()),
        Start::Now | Start::At(_) => None,
    };
    let lease = match (token, due) {
        (Some(token), Some(until)) if revision == 0 && asking.is_some() && asking == holder => {
            Some(Lease { run: new.id.clone(), token, revision: Revision(0), until })
        }
        _ => None,
    };
    Ok(Created::New { lease })
}
