//! A table of the user's own, in the database of the runs: what transactional steps write into it is there once.

use std::collections::BTreeMap;

use refluxo::{PostgresTransaction, engine::EngineBuilder, prelude::*, store::SqliteTransaction};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{
    customers::id,
    findings::Findings,
    journal::Journal,
    model::{Kind, lines, worth},
    worker::Place,
    workflows::act,
};

/// The name of the table, as SQL takes it.
#[derive(Clone)]
struct Table(String);

impl Table {
    fn at(place: &Place) -> Self {
        match place {
            Place::File(_) => Self("ledger".to_owned()),
            Place::Postgres { schema, .. } => Self(format!("\"{}\".ledger", schema.replace('"', "\"\""))),
        }
    }
}

/// Writes a line into the file, and fails so many times after it.
#[step(transaction, retry(attempts = 4, initial = "30ms", max = "300ms"))]
fn note_in_file(
    tx: &mut SqliteTransaction,
    #[inject] journal: &Journal,
    #[inject] cx: &StepContext,
    line: String,
    fails: u64,
) -> Result<u64, String> {
    journal.begun(cx, &line);
    let written = tx.execute("INSERT INTO ledger (run, line) VALUES (?1, ?2)", [cx.run_id(), &line]);
    written.map_err(|error| error.to_string())?;
    if u64::from(cx.attempt()) <= fails { Err(format!("{line} is not wanted")) } else { Ok(worth(&line)) }
}

/// Writes a line on the server, and fails so many times after it.
#[step(transaction, retry(attempts = 4, initial = "30ms", max = "300ms"))]
async fn note_on_server(
    tx: &mut PostgresTransaction,
    #[inject] table: &Table,
    #[inject] journal: &Journal,
    #[inject] cx: &StepContext,
    line: String,
    fails: u64,
) -> Result<u64, String> {
    journal.begun(cx, &line);
    let insert = AssertSqlSafe(format!("INSERT INTO {} (run, line) VALUES ($1, $2)", table.0));
    let insert = sqlx::query(insert).bind(cx.run_id()).bind(&line).execute(&mut **tx);
    insert.await.map_err(|error| error.to_string())?;
    if u64::from(cx.attempt()) <= fails { Err(format!("{line} is not wanted")) } else { Ok(worth(&line)) }
}

/// Writes some lines, the last ones while something else is done.
#[workflow]
pub async fn book_in_file(n: u64) -> u64 {
    let [first, second, third] = lines(n);
    let sum = note_in_file(first, n % 3).await.unwrap_or_default();
    let (a, b, _done) =
        join!(note_in_file(second, 0), note_in_file(third, n % 2), act(format!("book {n}"), 0));
    sum + a.unwrap_or_default() + b.unwrap_or_default()
}

/// The same on the server.
#[workflow]
pub async fn book_on_server(n: u64) -> u64 {
    let [first, second, third] = lines(n);
    let sum = note_on_server(first, n % 3).await.unwrap_or_default();
    let (a, b, _done) =
        join!(note_on_server(second, 0), note_on_server(third, n % 2), act(format!("book {n}"), 0));
    sum + a.unwrap_or_default() + b.unwrap_or_default()
}

/// Knows the workflow that is for this place.
pub fn register(builder: EngineBuilder, place: &Place) -> EngineBuilder {
    match place {
        Place::File(_) => builder.register::<BookInFile>(),
        Place::Postgres { .. } => builder.register::<BookOnServer>().provide(Table::at(place)),
    }
}

/// Makes the table.
pub async fn make(place: &Place) {
    let sql = format!("CREATE TABLE {} (run text, line text)", Table::at(place).0);
    match place {
        Place::File(path) => {
            let file = rusqlite::Connection::open(path).expect("the file");
            file.execute_batch(&sql).expect("a table");
        }
        Place::Postgres { url, .. } => {
            let mut server = PgConnection::connect(url).await.expect("the server");
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut server).await.expect("a table");
        }
    }
}

/// How often each line was written, of which run.
async fn read(place: &Place) -> BTreeMap<(String, String), i64> {
    let sql = format!("SELECT run, line, count(*) FROM {} GROUP BY run, line", Table::at(place).0);
    let rows: Vec<(String, String, i64)> = match place {
        Place::File(path) => {
            let file = rusqlite::Connection::open(path).expect("the file");
            let mut statement = file.prepare(&sql).expect("a statement");
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
            rows.expect("rows").collect::<Result<_, _>>().expect("lines")
        }
        Place::Postgres { url, .. } => {
            let mut server = PgConnection::connect(url).await.expect("the server");
            sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut server).await.expect("lines")
        }
    };
    rows.into_iter().map(|(run, line, count)| ((run, line), count)).collect()
}

/// Each line of each run is there once, and no other is.
pub async fn check(place: &Place, runs: u64, findings: &Findings) -> usize {
    let mut found = read(place).await;
    let written = found.len();
    for n in (0..runs).filter(|n| Kind::of(*n) == Kind::Book) {
        for line in lines(n) {
            let count = found.remove(&(id(n), line.clone())).unwrap_or_default();
            findings.expect(count == 1, &id(n), || format!("`{line}` was written {count} times"));
        }
    }
    for (run, line) in found.keys() {
        findings.add(run, format!("nobody asked for `{line}`"));
    }
    written
}
