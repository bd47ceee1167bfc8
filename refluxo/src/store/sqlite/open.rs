//! Opening a file: settings, connections and threads.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags, config::DbConfig};
use tokio::sync::oneshot;

use super::{
    Handle, Shared, SqliteStore, Worker,
    answers::Answers,
    reader::{self, Reading},
    schema::{SqliteOpenError, check, migrate},
    sessions::Sessions,
    thread::{Queued, Writer},
    transaction::SqliteTransaction,
};
use crate::{
    store::{Limits, Wake, wake::Bells},
    time::{Clock, SystemClock},
};

/// When a write counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// When the disk has it: it outlives a power cut.
    #[default]
    Full,
    /// When the operating system has it: it outlives the process. After a power cut the last writes may be missing, all of
    /// them from some moment on.
    Normal,
    /// As [`Synchronous::Normal`], but a power cut may damage the file: for tests.
    Off,
}

impl Synchronous {
    fn pragma(self) -> &'static str {
        match self {
            Self::Full => "FULL",
            Self::Normal => "NORMAL",
            Self::Off => "OFF",
        }
    }
}

/// Settings of a [`SqliteStore`].
#[derive(Debug)]
#[must_use]
pub struct SqliteStoreBuilder {
    path: PathBuf,
    synchronous: Synchronous,
    clock: Arc<dyn Clock>,
    limits: Limits,
    busy_timeout: Duration,
}

impl SqliteStoreBuilder {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            synchronous: Synchronous::Full,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            busy_timeout: Duration::from_secs(10),
        }
    }

    /// Sets when a write counts as stored; without it, when the disk has it.
    pub fn synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// Takes the time from `clock`; without it, from this machine's wall clock. All processes on one file should agree.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the bounds of what is kept of one run.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how long a write waits for another process that writes before it fails with
    /// [`StoreError::Retry`](crate::store::StoreError::Retry); without it, 10 s.
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Opens the file, and makes it if there is none.
    ///
    /// # Errors
    ///
    /// As [`SqliteStore::open`].
    ///
    /// # Cancel safety
    ///
    /// As [`SqliteStore::open`].
    pub async fn open(self) -> Result<SqliteStore, SqliteOpenError> {
        let (reply, opened) = oneshot::channel();
        // Here, since the writer's thread is in no runtime.
        let answers = Answers::in_this_runtime();
        // Opening waits for the disk, so it happens on the thread that is to be the writer's.
        let writer = thread::Builder::new().name("refluxo-sqlite".into());
        let writer = writer.spawn(move || self.open_and_write(reply, answers))?;
        let Ok(opened) = opened.await else {
            return Err(SqliteOpenError::Thread(std::io::ErrorKind::Other.into()));
        };
        let Opened { shared, writes, reads, reader } = opened?;
        let (writer, reader) = (Worker(Some((writes, writer))), Worker(Some((reads, reader))));
        Ok(SqliteStore { handle: Arc::new(Handle { shared, writer, reader }) })
    }

    /// The writer's thread.
    fn open_and_write(self, reply: oneshot::Sender<Result<Opened, SqliteOpenError>>, answers: Answers) {
        match self.open_connections(answers) {
            Ok((opened, writer)) => {
                // If nobody waits any more, the senders are dropped here and the writer ends at once.
                drop(reply.send(Ok(opened)));
                writer.run();
            }
            Err(error) => drop(reply.send(Err(error))),
        }
    }

    fn open_connections(self, answers: Answers) -> Result<(Opened, Writer), SqliteOpenError> {
        if self.path.as_os_str().is_empty() || self.path.as_os_str() == ":memory:" {
            return Err(SqliteOpenError::NoFile);
        }
        let db = self.patiently(|| {
            let mut db = self.connect()?;
            // Before anything else, since even the journal's mode is written into the file.
            check(&db, &self.path)?;
            self.configure(&db)?;
            migrate(&mut db, &self.path)?;
            Ok(db)
        })?;
        let reading = self.connect()?;
        self.configure(&reading)?;
        // By its real name, so that all who open the file find the same lock files beside it.
        let path = fs::canonicalize(&self.path).unwrap_or(self.path);
        let shared = Arc::new(Shared {
            name: format!("SQLite ({})", path.display()).into(),
            clock: self.clock,
            limits: self.limits,
            synchronous: self.synchronous,
            sessions: Sessions::beside(&path),
            bells: Bells::new(),
            path,
        });
        tell_of_jumps(&shared);
        let (writes, to_write): (Sender<Queued>, Receiver<_>) = mpsc::channel();
        let (reads, to_read): (Sender<Reading>, Receiver<_>) = mpsc::channel();
        let for_reader = shared.clone();
        let reader = thread::Builder::new().name("refluxo-sqlite-reader".into());
        let reader = reader.spawn(move || reader::run(&reading, &for_reader, &to_read))?;
        Ok((
            Opened { shared: shared.clone(), writes, reads, reader },
            Writer::new(SqliteTransaction::new(db), shared, to_write, answers),
        ))
    }

    /// Opens again while another process is at it: SQLite does not wait by itself for one that sets the journal's mode.
    fn patiently<T>(&self, open: impl Fn() -> Result<T, SqliteOpenError>) -> Result<T, SqliteOpenError> {
        let start = Instant::now();
        loop {
            match open() {
                Err(error) if error.is_busy() && start.elapsed() < self.busy_timeout => {
                    thread::sleep(Duration::from_millis(2));
                }
                result => return result,
            }
        }
    }

    fn connect(&self) -> Result<Connection, SqliteOpenError> {
        let sqlite = |error| SqliteOpenError::of(&self.path, error);
        // Each connection stays on one thread, so SQLite need not lock it. A path is a path, not a URI.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(&self.path, flags).map_err(sqlite)?;
        db.busy_timeout(self.busy_timeout).map_err(sqlite)?;
        // Else SQLite plans a query anew whenever a value is bound that may tell whether a partial index can be used, so each
        // claim would be compiled again.
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(sqlite)?;
        db.set_prepared_statement_cache_capacity(64);
        Ok(db)
    }

    fn configure(&self, db: &Connection) -> Result<(), SqliteOpenError> {
        let sqlite = |error| SqliteOpenError::of(&self.path, error);
        db.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
        db.pragma_update(None, "synchronous", self.synchronous.pragma()).map_err(sqlite)
    }
}

/// What the opening thread hands over.
struct Opened {
    shared: Arc<Shared>,
    writes: Sender<Queued>,
    reads: Sender<Reading>,
    reader: thread::JoinHandle<()>,
}

/// Wakes listeners when the clock is set.
fn tell_of_jumps(shared: &Arc<Shared>) {
    let listeners = Arc::downgrade(shared);
    shared.clock.on_jump(Box::new(move || {
        listeners.upgrade().map(|shared| shared.bells.ring([Wake::Any])).is_some()
    }));
}
