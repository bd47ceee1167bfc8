//! The tables, and how a schema comes to have them.

use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row as _};

use super::{open::PostgresOpenError, statements::quote};

/// The oldest server that has all that is asked of it.
const OLDEST: i32 = 140_000;

/// The schema's steps. A step is never changed once released, and none rewrites a table that lives. If only functions change,
/// that is a step too.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1-tables.sql"),
    include_str!("schema/2-ended.sql"),
    include_str!("schema/3-priority.sql"),
    include_str!("schema/4-gates.sql"),
    include_str!("schema/5-rates.sql"),
];

/// The functions as they are after the last step; they hold nothing, so they are made anew.
const FUNCTIONS: &[&str] = &[
    include_str!("schema/ring.sql"),
    include_str!("schema/gates.sql"),
    include_str!("schema/write.sql"),
    include_str!("schema/due.sql"),
    include_str!("schema/lend.sql"),
];

/// The functions by name, of which each has one form only.
const FUNCTION_NAMES: &[&str] = &[
    "ring",
    "session_lock",
    "locks_tell",
    "lock_gates",
    "lent",
    "let_through",
    "follow",
    "starts_left",
    "let_begin",
    "next_start",
    "write",
    "priorities",
    "first_due",
    "next_due",
    "rest_of",
    "claim",
    "renew",
];

/// Brings the schema up to this release, whoever else may be doing so at the same time.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    server: &str,
    schema: &str,
) -> Result<(), PostgresOpenError> {
    let of = |error| PostgresOpenError::of(server, error);
    let version: i32 = sqlx::query("SELECT current_setting('server_version_num')::integer")
        .fetch_one(&mut *connection)
        .await
        .and_then(|row| row.try_get(0))
        .map_err(of)?;
    if version < OLDEST {
        return Err(PostgresOpenError::TooOld { server: server.into(), found: version / 10_000 });
    }
    if steps_of(connection, server, schema).await? == MIGRATIONS.len() {
        return Ok(());
    }
    let mut tx = connection.begin().await.map_err(of)?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('refluxo'), hashtext($1))")
        .bind(schema)
        .execute(&mut *tx)
        .await
        .map_err(of)?;
    // Asked again under the lock: another process may have been faster.
    let found = steps_of(&mut tx, server, schema).await?;
    for (step, text) in MIGRATIONS.iter().enumerate().skip(found) {
        take_step(&mut tx, schema, step + 1, text).await.map_err(of)?;
    }
    make_functions(&mut tx, &quote(schema)).await.map_err(of)?;
    tx.commit().await.map_err(of)
}

/// Takes one step and notes it.
async fn take_step(tx: &mut PgConnection, schema: &str, step: usize, text: &str) -> Result<(), Error> {
    let quoted = quote(schema);
    if step == 1 {
        // To create what is there needs a right that the user may not have.
        let there = sqlx::query("SELECT FROM pg_namespace WHERE nspname = $1").bind(schema);
        if there.fetch_optional(&mut *tx).await?.is_none() {
            run(tx, format!("CREATE SCHEMA {quoted}")).await?;
        }
        let table = "(step integer PRIMARY KEY, taken_at timestamptz NOT NULL DEFAULT now())";
        run(tx, format!("CREATE TABLE {quoted}.migration {table}")).await?;
    }
    run(tx, text.replace("{schema}", &quoted)).await?;
    run(tx, format!("INSERT INTO {quoted}.migration (step) VALUES ({step})")).await
}

/// Makes the functions, in place of those that there were.
async fn make_functions(tx: &mut PgConnection, schema: &str) -> Result<(), Error> {
    for name in FUNCTION_NAMES {
        run(tx, format!("DROP FUNCTION IF EXISTS {schema}.{name}")).await?;
    }
    for text in FUNCTIONS {
        run(tx, text.replace("{schema}", schema)).await?;
    }
    Ok(())
}

async fn run(tx: &mut PgConnection, sql: String) -> Result<(), Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx).await.map(drop)
}

/// How many steps the schema has had. It is an error if a later release took some, or if the schema is not ours.
async fn steps_of(
    connection: &mut PgConnection,
    server: &str,
    schema: &str,
) -> Result<usize, PostgresOpenError> {
    let of = |error| PostgresOpenError::of(server, error);
    let (server, quoted) = (server.to_owned(), quote(schema));
    // `to_regclass` would answer from a cache, and not see what another connection has made since.
    let sql =
        "SELECT coalesce(bool_or(relname = 'migration'), false), coalesce(bool_or(relname = 'run'), false)
         FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace WHERE nspname = $1";
    let tables = sqlx::query(sql).bind(schema);
    let row = tables.fetch_one(&mut *connection).await.map_err(of)?;
    match (row.try_get(0).map_err(of)?, row.try_get(1).map_err(of)?) {
        (false, false) => return Ok(0),
        (true, true) => {}
        (true, false) | (false, true) => {
            return Err(PostgresOpenError::Foreign { server, schema: schema.to_owned() });
        }
    }
    let sql = format!("SELECT coalesce(max(step), 0) FROM {quoted}.migration");
    let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(connection).await.map_err(of)?;
    let found = usize::try_from(row.try_get::<i32, _>(0).map_err(of)?).unwrap_or(0);
    if found > MIGRATIONS.len() {
        let (schema, known) = (schema.to_owned(), MIGRATIONS.len());
        return Err(PostgresOpenError::Newer { server, schema, found, known });
    }
    Ok(found)
}
