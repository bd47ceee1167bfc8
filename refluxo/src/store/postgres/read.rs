//! `load`, `history` and `list`.

use sqlx::{AssertSqlSafe, Error, PgConnection, Postgres, QueryBuilder, Row as _, postgres::PgRow};

use super::{
    Shared, filter,
    rows::{
        COLUMN_COUNT, COLUMNS, RECORD_COLUMNS, bytes, count, int, read_attributes, read_record, read_row,
        time,
    },
    statements::{ATTRIBUTE_COLUMNS, attributes},
};
use crate::store::{
    Depth, Entry, EntryId, ListCursor, Listed, ListedRow, Page, Query, Record, Revision, RunId, Stamped,
};

/// Reads a run.
pub(super) async fn load(
    connection: &mut PgConnection,
    shared: &Shared,
    id: &RunId,
    depth: Depth,
) -> Result<Stamped<Option<Record>>, Error> {
    let query = sqlx::query(AssertSqlSafe(shared.statements.load(depth)));
    let row = query.bind(id.as_str()).fetch_one(connection).await?;
    let now = time(row.try_get(RECORD_COLUMNS)?);
    if row.try_get::<Option<&str>, _>(0)?.is_none() {
        return Ok(Stamped { now, value: None });
    }
    let attributes = read_attributes(&row, RECORD_COLUMNS + 1)?;
    Ok(Stamped { now, value: Some(Record { attributes, ..read_record(&row)? }) })
}

/// A page of a run's history.
pub(super) async fn history(
    connection: &mut PgConnection,
    shared: &Shared,
    id: &RunId,
    page: Page,
) -> Result<Stamped<Vec<Entry>>, Error> {
    let rows = sqlx::query(AssertSqlSafe(shared.statements.history.clone()))
        .bind(id.as_str())
        .bind(page.before.map_or(i64::MAX, |before| int(before.0)))
        .bind(i64::from(page.limit))
        .fetch_all(connection)
        .await?;
    let first = rows.first().ok_or(Error::RowNotFound)?;
    let now = time(first.try_get(0)?);
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        // The first row is there also if there is no entry.
        let Some(seq) = row.try_get::<Option<i64>, _>(1)? else { break };
        entries.push(Entry {
            id: EntryId(count(seq)?),
            revision: Revision(count(row.try_get(2)?)?),
            at: time(row.try_get(3)?),
            body: bytes(row, 4)?,
        });
    }
    Ok(Stamped { now, value: entries })
}

/// Answers a query.
pub(super) async fn list(
    connection: &mut PgConnection,
    shared: &Shared,
    query: &Query,
) -> Result<Stamped<Listed>, Error> {
    match query {
        Query::Rows { filter, after, limit } => {
            let mut sql = rows(shared, filter, after.as_ref(), *limit);
            let rows = sql.build().fetch_all(connection).await?;
            let now = time(rows.first().ok_or(Error::RowNotFound)?.try_get(COLUMN_COUNT)?);
            let found = rows.iter().filter(|row| !matches!(row.try_get::<Option<&str>, _>(0), Ok(None)));
            let rows = found.map(read_listed).collect::<Result<Vec<_>, _>>()?;
            let last = rows.last().filter(|_| rows.len() == *limit as usize);
            let next = last.map(|last| ListCursor::after(&last.row));
            Ok(Stamped { now, value: Listed::Rows { rows, next } })
        }
        Query::Count { filter, cap } => {
            let schema = &shared.statements.schema;
            let mut sql = QueryBuilder::<Postgres>::new(format!(
                "SELECT count(*), {schema}.clock() FROM (SELECT 1 FROM {schema}.run WHERE true"
            ));
            filter::push(&mut sql, schema, filter);
            sql.push(" LIMIT ").push_bind(int(*cap)).push(") found");
            let row = sql.build().fetch_one(connection).await?;
            let runs = count(row.try_get(0)?)?;
            let value = Listed::Count { runs, capped: runs == *cap };
            Ok(Stamped { now: time(row.try_get(1)?), value })
        }
    }
}

/// A run in a list.
fn read_listed(row: &PgRow) -> Result<ListedRow, Error> {
    Ok(ListedRow { row: read_row(row)?, attributes: read_attributes(row, COLUMN_COUNT + 1)? })
}

/// The statement for a page of runs. It returns one row, without a run, also if there are none.
fn rows(
    shared: &Shared,
    filter: &crate::store::Filter,
    after: Option<&ListCursor>,
    limit: u32,
) -> QueryBuilder<Postgres> {
    let schema = &shared.statements.schema;
    let mut sql = QueryBuilder::new(format!(
        "SELECT {COLUMNS}, {schema}.clock(), {ATTRIBUTE_COLUMNS}
         FROM (SELECT 1) one LEFT JOIN (SELECT * FROM {schema}.run WHERE true"
    ));
    filter::push(&mut sql, schema, filter);
    if let Some(after) = after {
        sql.push(" AND (created_at, id) < (").push_bind(after.created.as_micros());
        sql.push(", ").push_bind(after.id.as_str().to_owned()).push(")");
    }
    sql.push(" ORDER BY created_at DESC, id DESC LIMIT ").push_bind(i64::from(limit));
    let attributes = attributes(schema);
    sql.push(format!(
        ") run ON true LEFT JOIN LATERAL ({attributes}) found ON true ORDER BY run.created_at DESC, run.id DESC"
    ));
    sql
}
