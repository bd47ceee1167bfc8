//! The PostgreSQL store passes the conformance suite, on a server that the tests start.
#![cfg(feature = "postgres")]
#![allow(dead_code, unreachable_pub, reason = "the server is shared with other test files")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use refluxo::{
    store::{Limits, PostgresStore, Store, conformance::TestBed},
    time::{Clock, ManualClock, Timestamp},
};
use tokio::sync::OnceCell;

use self::postgres::Schema;

/// A schema of its own for each case, with a clock that stands in 2077.
struct Bed {
    schema: Schema,
    clock: ManualClock,
    limits: Limits,
    /// Opened first, since it makes the tables.
    first: OnceCell<PostgresStore>,
    /// Whether all workers share that store; else each has one of its own.
    shares: bool,
}

impl Bed {
    /// `None` if there is no server.
    fn new(shares: bool) -> Option<Self> {
        postgres::url()?;
        let clock = ManualClock::at(Timestamp::from_micros(3_400_000_000_000_000));
        let limits = Limits { inbox_bytes: 1 << 20, history_entries: 1000, ..Limits::default() };
        Some(Self { schema: Schema::new(), clock, limits, first: OnceCell::new(), shares })
    }

    async fn open(&self) -> PostgresStore {
        self.schema.builder().limits(self.limits).connect().await.expect("the store opens")
    }

    async fn open_first(&self) -> PostgresStore {
        let store = self.open().await;
        self.schema.stop_clock(self.clock.now());
        store
    }
}

impl TestBed for Bed {
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async {
            let first = self.first.get_or_init(|| self.open_first()).await.clone();
            let store = if self.shares { first } else { self.open().await };
            Arc::new(store) as Arc<dyn Store>
        })
    }

    fn pass(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.clock.advance(duration);
        self.schema.set_clock(self.clock.now());
        Box::pin(async {})
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

mod one_store_for_all {
    use super::Bed;

    refluxo::conformance_suite!(match Bed::new(true) {
        Some(bed) => bed,
        None => return,
    });
}

mod a_store_for_each {
    use super::Bed;

    refluxo::conformance_suite!(match Bed::new(false) {
        Some(bed) => bed,
        None => return,
    });
}
