//! `purge`.

use sqlx::{Error, PgConnection, QueryBuilder, Row as _};

use super::{
    Shared, filter,
    rows::{narrow, time},
};
use crate::store::{Filter, Stamped};

/// Removes ended runs with all that belongs to them, those that ended first.
pub(super) async fn purge(
    connection: &mut PgConnection,
    shared: &Shared,
    filter: &Filter,
    limit: u32,
) -> Result<Stamped<u32>, Error> {
    let schema = &shared.statements.schema;
    let mut sql = QueryBuilder::new(format!(
        "WITH old AS MATERIALIZED (SELECT key FROM {schema}.run WHERE ended_at IS NOT NULL AND NOT owes AND NOT EXISTS (
             SELECT FROM {schema}.run child WHERE child.parent = run.id AND child.ended_at IS NULL)"
    ));
    filter::push(&mut sql, schema, filter);
    sql.push(" ORDER BY ended_at, id LIMIT ").push_bind(i64::from(limit));
    // Nobody changes an ended run but its holder, who settles what it owes, and another purge.
    sql.push(" FOR UPDATE SKIP LOCKED)");
    for table in ["part", "inbox", "entry", "attribute"] {
        sql.push(format!(", {table}s AS (DELETE FROM {schema}.{table} WHERE run IN (SELECT key FROM old))"));
    }
    sql.push(format!(
        ", runs AS (DELETE FROM {schema}.run WHERE key IN (SELECT key FROM old) RETURNING key)
         SELECT count(*), {schema}.clock() FROM runs"
    ));
    let row = sql.build().fetch_one(connection).await?;
    Ok(Stamped { now: time(row.try_get(1)?), value: narrow(row.try_get(0)?)? })
}
