//! Hints come, at least while nothing goes wrong.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, stream::BoxStream};

use super::{
    TestBed,
    worker::{Worker, end, id, message, run},
};
use crate::store::Wake;

/// Waits for a hint. A hint that never comes is a failure here, though the protocol lives without.
async fn hears(wakes: &mut BoxStream<'static, Wake>, what: &str, expected: impl Fn(&Wake) -> bool) {
    let heard = async {
        loop {
            match wakes.next().await {
                Some(Wake::Any) => return,
                Some(wake) if expected(&wake) => return,
                Some(_) => {}
                None => panic!("the hints ended"),
            }
        }
    };
    let patience = Duration::from_secs(30);
    assert!(tokio::time::timeout(patience, heard).await.is_ok(), "no hint of {what} in {patience:?}");
}

/// Of a new run, of a message to a held run and of an end; on the same connection and on another one.
pub(super) async fn a_listener_hears_of_due_runs_bells_and_ends(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let other = super::worker(&bed).await;
    let mut here = worker.store.wakes();
    let mut there = other.store.wakes();
    for wakes in [&mut here, &mut there] {
        let Worker { store, session } = &worker;
        let worker = Worker { store: store.clone(), session: session.clone() };
        let name = format!("run-{}", worker.list(crate::store::Filter::default()).await.len());
        worker.start(run(&name)).await;
        hears(wakes, "a due run", |wake| matches!(wake, Wake::Due(_))).await;
        let (lease, record) = worker.claim(&name).await;
        worker.send(message(&name, "hello")).await;
        hears(wakes, "a message", |wake| *wake == Wake::Bell(id(&name))).await;
        worker.commit_done(end(&lease, &record)).await;
        hears(wakes, "an end", |wake| *wake == Wake::Ended(id(&name))).await;
    }
}
