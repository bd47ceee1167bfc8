//! The tables, and how a file comes to have them.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// Marks a file as ours: `rflx` in ASCII, in the file's header.
const APPLICATION_ID: i32 = 0x7266_6c78;

/// The schema's steps. A file's `user_version` says how many of them it has had; a step is never changed once released.
const MIGRATIONS: &[&str] = &[
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// Why a file can't be opened as a store.
#[derive(Debug, thiserror::Error)]
pub enum SqliteOpenError {
    /// A later release has changed the file.
    #[error("{path} was written by a later release (schema {found}, this one knows {known}): upgrade refluxo", path = path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The highest schema that this release knows.
        known: i64,
    },
    /// The file is a database of another program, or no database.
    #[error("{path} belongs to another program: give the store a file of its own", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// There is no file at all.
    #[error("a SQLite store needs a file, for it has more than one connection: use `MemoryStore`")]
    NoFile,
    /// SQLite could not open it.
    #[error("{path} can't be opened: {source}", path = path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The store's thread could not be started.
    #[error("the store's thread can't be started: {0}")]
    Thread(#[from] std::io::Error),
}

impl SqliteOpenError {
    /// Whether another process is at the file, and will be done in a while.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Sqlite { source, .. } => source.sqlite_error_code() == Some(ErrorCode::DatabaseBusy),
            Self::Newer { .. } | Self::Foreign { .. } | Self::NoFile | Self::Thread(_) => false,
        }
    }

    /// What SQLite said about the file at `path`.
    pub(super) fn of(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign { path },
            _ => Self::Sqlite { path, source },
        }
    }
}

/// Looks whether the file is ours, or empty, and not too new, and tells how many steps it has had; changes nothing in it.
pub(super) fn check(db: &Connection, path: &Path) -> Result<i64, SqliteOpenError> {
    let sqlite = |error| SqliteOpenError::of(path, error);
    // In one transaction: between two reads another process may make the tables.
    let tx = db.unchecked_transaction().map_err(sqlite)?;
    let found = schema_of(&tx, path)?;
    tx.commit().map_err(sqlite)?;
    Ok(found)
}

/// Brings the file up to this release's schema, whoever else may be doing so at the same time.
pub(super) fn migrate(db: &mut Connection, path: &Path) -> Result<(), SqliteOpenError> {
    let sqlite = |error| SqliteOpenError::of(path, error);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if check(db, path)? == known {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    // Asked again under the lock: another process may have been faster.
    let found = schema_of(&tx, path)?;
    for step in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or(usize::MAX)) {
        tx.execute_batch(step).map_err(sqlite)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    tx.pragma_update(None, "user_version", known).map_err(sqlite)?;
    tx.commit().map_err(sqlite)
}

/// How many steps the file has had, as of the caller's transaction.
fn schema_of(db: &Connection, path: &Path) -> Result<i64, SqliteOpenError> {
    let sqlite = |error| SqliteOpenError::of(path, error);
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(sqlite);
    let (application, found) = (pragma("application_id")?, pragma("user_version")?);
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if application == i64::from(APPLICATION_ID) {
        if found > known {
            return Err(SqliteOpenError::Newer { path: path.to_owned(), found, known });
        }
        return Ok(found);
    }
    if (application, found, tables) == (0, 0, 0) {
        return Ok(0);
    }
    Err(SqliteOpenError::Foreign { path: path.to_owned() })
}
