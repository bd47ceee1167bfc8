//! The SQLite store passes the conformance suite, each worker with a connection of its own as if it were another process.
#![cfg(feature = "sqlite")]

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use refluxo::{
    store::{Limits, SqliteStore, Store, Synchronous, conformance::TestBed},
    time::{ManualClock, Timestamp},
};
use tempfile::TempDir;

/// A file of its own for each case, with a clock that stands in 2077.
struct Sqlite {
    clock: Arc<ManualClock>,
    folder: TempDir,
    limits: Limits,
    /// One store for all workers, or one each.
    shared: Option<tokio::sync::OnceCell<SqliteStore>>,
}

impl Sqlite {
    fn new(shares: bool) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(3_400_000_000_000_000)));
        let folder = tempfile::tempdir().expect("a folder for the test");
        let limits = Limits { inbox_bytes: 1 << 20, history_entries: 1000, ..Limits::default() };
        Self { clock, folder, limits, shared: shares.then(tokio::sync::OnceCell::new) }
    }

    async fn open(&self) -> SqliteStore {
        let builder = SqliteStore::builder(self.folder.path().join("runs.db")).clock(self.clock.clone());
        // No case cuts the power.
        builder.limits(self.limits).synchronous(Synchronous::Off).open().await.expect("open")
    }
}

impl TestBed for Sqlite {
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async {
            let store = match &self.shared {
                Some(shared) => shared.get_or_init(|| self.open()).await.clone(),
                None => self.open().await,
            };
            Arc::new(store) as Arc<dyn Store>
        })
    }

    fn pass(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.clock.advance(duration);
        Box::pin(async {})
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

mod one_store_for_all {
    use super::Sqlite;

    refluxo::conformance_suite!(Sqlite::new(true));
}

mod a_store_for_each {
    use super::Sqlite;

    refluxo::conformance_suite!(Sqlite::new(false));
}
