//! What engines send to a PostgreSQL server while nothing happens.
#![cfg(feature = "postgres")]
#![allow(dead_code, unreachable_pub, reason = "the server is shared with other test files")]

#[path = "support/postgres.rs"]
mod postgres;

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use refluxo::prelude::*;
use serde::{Deserialize, Serialize};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use self::postgres::Schema;

#[workflow]
async fn nap() {
    sleep(Duration::from_hours(1)).await;
}

#[derive(Serialize, Deserialize, Signal)]
struct Call;

#[workflow]
async fn listen() {
    signal::<Call>().await;
}

/// The statements that sqlx tells of.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().push(text);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The text of a statement, or as much of it as is told.
struct Text<'t>(&'t mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if ["summary", "db.statement"].contains(&field.name()) {
            self.0.push_str(&format!("{value:?} ").replace("\\\"", "\""));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_engines_read_tables_once_in_thirty_seconds() {
    if postgres::url().is_none() {
        return;
    }
    let statements = Statements::default();
    tracing::subscriber::set_global_default(statements.clone()).expect("there is no other");
    let schema = Schema::new();
    let mut engines = Vec::new();
    for id in ["a", "b"] {
        let store = schema.builder().connect().await.expect("the store opens");
        let builder = Engine::builder(store).register::<Nap>().register::<Listen>();
        let engine = builder.build().await.expect("an engine");
        engine.start(format!("sleeps {id}"), nap()).await.expect("it starts");
        engine.start(format!("waits {id}"), listen()).await.expect("it starts");
        engines.push(engine);
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    let before = statements.0.lock().unwrap().len();
    tokio::time::sleep(Duration::from_secs(34)).await;
    let told = statements.0.lock().unwrap()[before..].to_vec();
    // Those that look whether others live read no table.
    let (looks, reads): (Vec<_>, Vec<_>) = told.into_iter().partition(|text| text.contains("pg_locks"));
    assert!(!looks.is_empty(), "the statements are seen");
    assert!(!reads.is_empty(), "an engine looks now and then: hints may be lost");
    assert!(reads.len() <= 2 * engines.len(), "{reads:#?}");
}
