//! `load` and `list`.

use rusqlite::{Connection, params_from_iter, types::Value};

use super::{
    effects,
    filter::Conditions,
    rows::{COLUMN_COUNT, COLUMNS, bytes, int, read_message, read_row},
    statement::{all, one},
};
use crate::store::{Attribute, Depth, ListCursor, Listed, ListedRow, Part, Query, Record, RunId};

/// Reads a run. The caller holds a transaction, so that all of it is of one moment.
pub(super) fn load_record(db: &Connection, id: &RunId, depth: Depth) -> rusqlite::Result<Option<Record>> {
    let state = match depth {
        Depth::Head | Depth::Mail => "x''",
        Depth::End => "iif(ended_at IS NULL, x'', state)",
        Depth::State | Depth::All | Depth::Whole => "state",
    };
    // The columns after the row's: the key that the other tables know the run by, and what to look for in them.
    let sql = format!("SELECT {COLUMNS}, key, owes, inbox_count, {state} FROM run WHERE id = ?1");
    let found = one(db, &sql, [id.as_str()], |row| {
        let state = bytes(row, COLUMN_COUNT + 3)?;
        let record = Record {
            row: read_row(row)?,
            state,
            parts: vec![],
            attributes: vec![],
            inbox: vec![],
            owed: vec![],
        };
        let key: i64 = row.get(COLUMN_COUNT)?;
        let (owes, messages): (bool, i64) = (row.get(COLUMN_COUNT + 1)?, row.get(COLUMN_COUNT + 2)?);
        Ok((record, key, owes, messages > 0))
    })?;
    let Some((mut record, key, owes, has_messages)) = found else { return Ok(None) };
    if depth.has_state(record.row.ended.is_some()) {
        let sql = "SELECT name, body FROM part WHERE run = ?1 ORDER BY name";
        record.parts = all(db, sql, [key], |row| Ok(Part { name: row.get(0)?, body: bytes(row, 1)? }))?;
    }
    if depth.has_attributes() {
        record.attributes = load_attributes(db, key)?;
    }
    if depth.has_inbox() && has_messages {
        let sql = "SELECT seq, key, kind, body, at FROM inbox WHERE run = ?1 ORDER BY seq";
        record.inbox = all(db, sql, [key], read_message)?;
    }
    if depth.has_owed() && owes {
        record.owed = effects::load(db, key)?;
    }
    Ok(Some(record))
}

/// What a run can be found by.
fn load_attributes(db: &Connection, key: i64) -> rusqlite::Result<Vec<Attribute>> {
    let sql = "SELECT name, value FROM attribute WHERE run = ?1 ORDER BY name";
    all(db, sql, [key], |row| Ok(Attribute { name: row.get(0)?, value: row.get(1)? }))
}

/// Answers a query.
pub(super) fn list(db: &Connection, query: &Query) -> rusqlite::Result<Listed> {
    match query {
        Query::Rows { filter, after, limit } => {
            let mut conditions = Conditions::of(filter);
            if let Some(after) = after {
                let place = [after.created.as_micros().into(), after.id.as_str().to_owned().into()];
                conditions.and("(created_at, id) < (?, ?)", place);
            }
            let (condition, mut values) = conditions.into_sql();
            values.push(Value::Integer((*limit).into()));
            let sql = format!(
                "SELECT {COLUMNS}, key FROM run WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT ?"
            );
            let found = all(db, &sql, params_from_iter(values), |row| {
                Ok((read_row(row)?, row.get::<_, i64>(COLUMN_COUNT)?))
            })?;
            let rows = found
                .into_iter()
                .map(|(row, key)| Ok(ListedRow { row, attributes: load_attributes(db, key)? }))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let last = rows.last().filter(|_| rows.len() == *limit as usize);
            let next = last.map(|last| ListCursor::after(&last.row));
            Ok(Listed::Rows { rows, next })
        }
        Query::Count { filter, cap } => {
            let (condition, mut values) = Conditions::of(filter).into_sql();
            values.push(Value::Integer(int(*cap)));
            let sql = format!("SELECT count(*) FROM (SELECT 1 FROM run WHERE {condition} LIMIT ?)");
            let runs =
                one(db, &sql, params_from_iter(values), |row| super::rows::count(row, 0))?.unwrap_or(0);
            Ok(Listed::Count { runs, capped: runs == *cap })
        }
    }
}
