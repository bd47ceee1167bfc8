//! Columns to types and back.

use std::time::Duration;

use bytes::Bytes;
use sqlx::{ColumnIndex, Decode, Error, Postgres, Row as _, Type, postgres::PgRow};

use crate::{
    store::{
        AttrValue, Attribute, Due, EffectId, Head, InputHash, Lane, Owed, Part, Received, Record, Revision,
        Row, RunId, Seq, SessionId, Status, Token, Uid,
    },
    time::Timestamp,
};

/// The columns of a [`Row`], in the order in which [`read_row`] reads them.
pub(super) const COLUMNS: &str = "run.id, run.uid, run.root, run.parent, run.queue, run.input, run.version, run.status, run.at, \
     run.head, run.revision, run.due_at, run.session, run.claims, run.inbox_last, run.inbox_read, run.created_at, \
     run.updated_at, run.ended_at, run.priority, run.limit_key, coalesce(run.blocked_at, run.paced_at)";

/// How many columns those are: where the state and the rest of a [`Record`] begin.
pub(super) const COLUMN_COUNT: usize = 22;

/// Where the columns begin that a query has beside those of a [`Record`].
pub(super) const RECORD_COLUMNS: usize = COLUMN_COUNT + 11;

/// A count or a number as PostgreSQL keeps it. Nothing that is counted here comes near the end of its integers.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A span of time in microseconds.
pub(super) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// A run's columns.
pub(super) fn read_row(row: &PgRow) -> Result<Row, Error> {
    let status: &str = row.try_get(7)?;
    let status =
        Status::from_name(status).ok_or_else(|| damaged(format!("there is no status `{status}`")))?;
    let at = row.try_get(8)?;
    let head = Head { status, at, version: narrow(row.try_get(6)?)?, body: bytes(row, 9)? };
    let input = <[u8; 32]>::try_from(row.try_get::<&[u8], _>(5)?).map_err(damaged)?;
    Ok(Row {
        id: run_id(row.try_get(0)?)?,
        uid: Uid::from_u128(bits(row.try_get(1)?)?),
        root: run_id(row.try_get(2)?)?,
        parent: row.try_get::<Option<&str>, _>(3)?.map(run_id).transpose()?,
        queue: row.try_get(4)?,
        lane: Lane {
            priority: row.try_get::<i16, _>(19)?.try_into().map_err(damaged)?,
            key: row.try_get(20)?,
        },
        input: InputHash(input),
        head,
        revision: Revision(count(row.try_get(10)?)?),
        due: due(row.try_get(11)?, row.try_get(12)?, row.try_get(21)?)?,
        claims: narrow(row.try_get(13)?)?,
        inbox_last: Seq(count(row.try_get(14)?)?),
        inbox_read: Seq(count(row.try_get(15)?)?),
        created: time(row.try_get(16)?),
        updated: time(row.try_get(17)?),
        ended: row.try_get::<Option<i64>, _>(18)?.map(time),
    })
}

/// A run's record: its columns, the state, and the parts, messages and owed effects as arrays.
pub(super) fn read_record(row: &PgRow) -> Result<Record, Error> {
    Ok(Record {
        row: read_row(row)?,
        state: row.try_get::<Option<&[u8]>, _>(COLUMN_COUNT)?.map(Bytes::copy_from_slice).unwrap_or_default(),
        parts: read_parts(row)?,
        attributes: Vec::new(),
        inbox: read_inbox(row)?,
        owed: read_owed(row, [30, 31, 32])?,
    })
}

/// What a run can be found by, from the arrays that begin at this column.
pub(super) fn read_attributes(row: &PgRow, column: usize) -> Result<Vec<Attribute>, Error> {
    let names: Vec<String> = list(row, column)?;
    let (texts, numbers): (Vec<Option<String>>, Vec<Option<i64>>) =
        (list(row, column + 1)?, list(row, column + 2)?);
    let values = texts.into_iter().zip(numbers).map(|(text, number)| match (text, number) {
        (Some(text), None) => Ok(AttrValue::Text(text)),
        (None, Some(number)) => Ok(AttrValue::Integer(number)),
        (Some(_), Some(_)) | (None, None) => Err(damaged("an attribute is a text or a number")),
    });
    names.into_iter().zip(values).map(|(name, value)| Ok(Attribute { name, value: value? })).collect()
}

fn read_parts(row: &PgRow) -> Result<Vec<Part>, Error> {
    let (names, bodies): (Vec<String>, Vec<Vec<u8>>) = (list(row, 23)?, list(row, 24)?);
    Ok(names.into_iter().zip(bodies).map(|(name, body)| Part { name, body: body.into() }).collect())
}

fn read_inbox(row: &PgRow) -> Result<Vec<Received>, Error> {
    let (seqs, keys): (Vec<i64>, Vec<Option<String>>) = (list(row, 25)?, list(row, 26)?);
    let (kinds, bodies, ats): (Vec<String>, Vec<Vec<u8>>, Vec<i64>) =
        (list(row, 27)?, list(row, 28)?, list(row, 29)?);
    let mut inbox = Vec::with_capacity(seqs.len());
    for ((((seq, key), kind), body), at) in seqs.into_iter().zip(keys).zip(kinds).zip(bodies).zip(ats) {
        inbox.push(Received { seq: Seq(count(seq)?), key, kind, body: body.into(), at: time(at) });
    }
    Ok(inbox)
}

/// Owed effects from the arrays of their revisions, places and bodies.
pub(super) fn read_owed(row: &PgRow, columns: [impl ColumnIndex<PgRow>; 3]) -> Result<Vec<Owed>, Error> {
    let [revisions, places, bodies] = columns;
    let (revisions, places): (Vec<i64>, Vec<i64>) = (list(row, revisions)?, list(row, places)?);
    let bodies: Vec<Vec<u8>> = list(row, bodies)?;
    let mut owed = Vec::with_capacity(revisions.len());
    for ((revision, place), body) in revisions.into_iter().zip(places).zip(bodies) {
        let id = EffectId { revision: Revision(count(revision)?), index: narrow(place)? };
        owed.push(Owed { id, effect: serde_json::from_slice(&body).map_err(damaged)? });
    }
    Ok(owed)
}

/// An array; one that is not there is empty.
pub(super) fn list<'r, T>(row: &'r PgRow, column: impl ColumnIndex<PgRow>) -> Result<Vec<T>, Error>
where
    Vec<T>: Decode<'r, Postgres> + Type<Postgres>,
{
    Ok(row.try_get::<Option<Vec<T>>, _>(column)?.unwrap_or_default())
}

/// When a run is due, from `due_at`, `session`, and since when it is blocked.
fn due(at: Option<i64>, session: Option<&[u8]>, blocked_at: Option<i64>) -> Result<Due, Error> {
    if let Some(since) = blocked_at.map(time) {
        return Ok(Due::Blocked { since });
    }
    Ok(match (at.map(time), session) {
        (None, _) => Due::Never,
        (Some(at), None) => Due::At(at),
        (Some(until), Some(session)) => Due::Leased { session: SessionId::from_u128(bits(session)?), until },
    })
}

/// A run's id. The tables may have been edited by hand, so it is checked again.
pub(super) fn run_id(id: &str) -> Result<RunId, Error> {
    RunId::new(id).map_err(damaged)
}

pub(super) fn token(bytes: &[u8]) -> Result<Token, Error> {
    bits(bytes).map(Token::from_u128)
}

/// The bits of a uid, a token or a session.
pub(super) fn bits(bytes: &[u8]) -> Result<u128, Error> {
    <[u8; 16]>::try_from(bytes).map(u128::from_be_bytes).map_err(damaged)
}

pub(super) fn count(number: i64) -> Result<u64, Error> {
    u64::try_from(number).map_err(damaged)
}

pub(super) fn narrow(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(damaged)
}

pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

pub(super) fn bytes(row: &PgRow, column: usize) -> Result<Bytes, Error> {
    row.try_get::<&[u8], _>(column).map(Bytes::copy_from_slice)
}

/// A value in the tables that no release has written.
pub(super) fn damaged(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Decode(error.into())
}
