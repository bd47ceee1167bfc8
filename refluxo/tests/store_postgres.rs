//! The PostgreSQL store passes the conformance suite, on a server that the tests start; with a wrong protocol it does not.
#![cfg(feature = "postgres")]
#![allow(dead_code, unreachable_pub, reason = "the server is shared with other test files")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use refluxo::{
    store::{
        Limits, PostgresStore, Store,
        conformance::{self, TestBed},
    },
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
    /// What is done wrong: texts of the schema's function `write`, and what stands in their places.
    wrong: &'static [Rewritten],
}

impl Bed {
    /// `None` if there is no server.
    fn new(shares: bool) -> Option<Self> {
        postgres::url()?;
        let clock = ManualClock::at(Timestamp::from_micros(3_400_000_000_000_000));
        let limits = Limits { inbox_bytes: 1 << 20, history_entries: 1000, ..Limits::default() };
        Some(Self { schema: Schema::new(), clock, limits, first: OnceCell::new(), shares, wrong: &[] })
    }

    async fn open(&self) -> PostgresStore {
        self.schema.builder().limits(self.limits).connect().await.expect("the store opens")
    }

    async fn open_first(&self) -> PostgresStore {
        let store = self.open().await;
        self.schema.stop_clock(self.clock.now());
        for (function, right, wrong) in self.wrong {
            self.schema.rewrite(function, right, wrong);
        }
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

/// A function of the schema, what it has, and what it has in the place of that.
type Rewritten = (&'static str, &'static str, &'static str);

/// The lock that a batch begins with.
const LOCK: &str = "PERFORM FROM run WHERE id = ANY (c_id || m_to) ORDER BY id FOR NO KEY UPDATE;";

/// How a commit that rests looks for messages that its author has not seen.
const DOORBELL: &str = "c.inbox_last > c.seen OR owing";

/// The message may be one that was seen and left: the run is never at rest.
const ROW_IN_INBOX: &[Rewritten] =
    &[("write", DOORBELL, "owing OR EXISTS (SELECT FROM inbox WHERE run = c.key AND until IS NULL)")];

/// A message that comes between the look and the write is found by neither side. The barrier holds the commit there.
const LOOK_BEFORE_THE_LOCK: &[Rewritten] = &[
    ("write", LOCK, ""),
    (
        "write",
        DOORBELL,
        "owing OR EXISTS (SELECT FROM inbox, pg_sleep(0.01) WHERE run = c.key AND until IS NULL AND seq > c.seen)
             OR (SELECT true FROM pg_sleep(0.01)) IS NULL",
    ),
];

/// How a claim counts those that came through a gate.
const COUNT: &str = "others := lent(w_queue[place], one_key, one, time_now);";

/// Two that count at the same time both find the last place free.
const COUNT_WITHOUT_THE_LOCK: &[Rewritten] = &[
    ("lock_gates", "PERFORM pg_advisory_xact_lock(gate);", ""),
    ("claim", COUNT, "others := lent(w_queue[place], one_key, one, time_now); PERFORM pg_sleep(0.01);"),
];

/// One that may not begin keeps the turn of its key, and nobody else takes it.
const TURN_KEPT: &[Rewritten] =
    &[("claim", "told := let_through(w_queue[place], one_key, one_version) OR told;", "")];

/// Whether the case passes.
fn passes(case: &str, wrong: &'static [Rewritten]) -> Option<bool> {
    let case = conformance::case(case).unwrap_or_else(|| panic!("there is no case {case}"));
    let bed = Bed { wrong, ..Bed::new(false)? };
    Some(catch_unwind(AssertUnwindSafe(|| case.check(Arc::new(bed)))).is_ok())
}

#[test]
fn a_row_in_the_inbox_is_no_doorbell() {
    assert_ne!(passes("a_seen_message_lets_the_run_rest", ROW_IN_INBOX), Some(true));
}

#[test]
fn to_look_before_the_lock_loses_messages() {
    assert_ne!(passes("a_message_that_races_a_rest_is_found", LOOK_BEFORE_THE_LOCK), Some(true));
}

#[test]
fn to_keep_the_turn_of_a_key_without_use_holds_the_others_up() {
    assert_ne!(passes("a_run_that_waits_leaves_its_turn_to_the_next_of_its_key", TURN_KEPT), Some(true));
}

/// How often a case is tried in which workers race: they may happen to run one after the other.
const TRIES: u32 = 20;

#[test]
fn to_count_without_the_lock_of_a_gate_lends_too_many() {
    let case = "limits_hold_and_no_run_is_forgotten_with_many_workers";
    assert!((0..TRIES).any(|_| passes(case, COUNT_WITHOUT_THE_LOCK) != Some(true)));
}
