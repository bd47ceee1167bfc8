//! Columns to types and back.

use bytes::Bytes;
use rusqlite::{
    Row,
    types::{FromSqlError, ToSqlOutput, Type, Value, ValueRef},
};

use crate::{
    store::{
        AttrValue, Due, Head, InputHash, Lane, Received, Revision, RunId, Seq, SessionId, Status, Token, Uid,
    },
    time::Timestamp,
};

/// The columns of a [`Row`](crate::store::Row), in the order in which [`read_row`] reads them.
pub(super) const COLUMNS: &str = "id, uid, root, parent, queue, input, version, status, at, head, revision, due_at, \
     session, claims, inbox_last, inbox_read, created_at, updated_at, ended_at, priority, limit_key, \
     coalesce(blocked_at, paced_at)";

/// How many columns those are: where a query's own columns begin.
pub(super) const COLUMN_COUNT: usize = 22;

/// A count or a number as SQLite keeps it. Nothing that is counted here comes near the end of its integers.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A run's columns.
pub(super) fn read_row(row: &Row<'_>) -> rusqlite::Result<crate::store::Row> {
    let head = Head { status: status(row, 7)?, at: row.get(8)?, version: row.get(6)?, body: bytes(row, 9)? };
    Ok(crate::store::Row {
        id: run_id(row, 0)?,
        uid: uid(row, 1)?,
        root: run_id(row, 2)?,
        parent: if matches!(row.get_ref(3)?, ValueRef::Null) { None } else { Some(run_id(row, 3)?) },
        queue: row.get(4)?,
        lane: Lane { priority: row.get(19)?, key: row.get(20)? },
        input: InputHash(row.get(5)?),
        head,
        revision: Revision(count(row, 10)?),
        due: due(row, 11, 12, 21)?,
        claims: row.get(13)?,
        inbox_last: Seq(count(row, 14)?),
        inbox_read: Seq(count(row, 15)?),
        created: time(row, 16)?,
        updated: time(row, 17)?,
        ended: optional_time(row, 18)?,
    })
}

/// A message: `seq, key, kind, body, at`.
pub(super) fn read_message(row: &Row<'_>) -> rusqlite::Result<Received> {
    Ok(Received {
        seq: Seq(count(row, 0)?),
        key: row.get(1)?,
        kind: row.get(2)?,
        body: bytes(row, 3)?,
        at: time(row, 4)?,
    })
}

/// When a run is due, from `due_at`, `session`, and since when it is blocked.
fn due(row: &Row<'_>, due_at: usize, session: usize, blocked_at: usize) -> rusqlite::Result<Due> {
    if let Some(since) = optional_time(row, blocked_at)? {
        return Ok(Due::Blocked { since });
    }
    let at = optional_time(row, due_at)?;
    let session = row.get::<_, Option<[u8; 16]>>(session)?.map(u128::from_be_bytes);
    Ok(match (at, session) {
        (None, _) => Due::Never,
        (Some(at), None) => Due::At(at),
        (Some(until), Some(session)) => Due::Leased { session: SessionId::from_u128(session), until },
    })
}

/// A run's id. The file may have been edited by hand, so it is checked again.
pub(super) fn run_id(row: &Row<'_>, column: usize) -> rusqlite::Result<RunId> {
    let id: String = row.get(column)?;
    RunId::new(id).map_err(|error| damaged(column, error))
}

pub(super) fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let name = row.get_ref(column)?.as_str().map_err(|error| damaged(column, error))?;
    Status::from_name(name).ok_or_else(|| damaged(column, FromSqlError::InvalidType))
}

pub(super) fn token(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Token>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(|bytes| Token::from_u128(u128::from_be_bytes(bytes))))
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub(super) fn optional_time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros))
}

pub(super) fn uid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uid> {
    Ok(Uid::from_u128(u128::from_be_bytes(row.get(column)?)))
}

pub(super) fn bytes(row: &Row<'_>, column: usize) -> rusqlite::Result<Bytes> {
    let blob = row.get_ref(column)?.as_blob().map_err(|error| damaged(column, error))?;
    Ok(Bytes::copy_from_slice(blob))
}

/// A value in the file that no release has written.
fn damaged(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Null, Box::new(error))
}

impl rusqlite::types::FromSql for AttrValue {
    fn column_result(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        match value {
            ValueRef::Text(_) => value.as_str().map(|text| Self::Text(text.to_owned())),
            ValueRef::Integer(number) => Ok(Self::Integer(number)),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => Err(FromSqlError::InvalidType),
        }
    }
}

impl rusqlite::ToSql for AttrValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
        })
    }
}
