//! The live status of a run: an event whenever it has changed, over server-sent events.
//!
//! A run may be worked on by any instance, so its row is looked at once a second; what this instance does itself is told at once
//! by its observer. What has passed by then is left out. A stream ends with its run, or when the service shuts down: then the
//! client comes back to another instance.

use std::{convert::Infallible, time::Duration};

use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};
use refluxo::{
    Run,
    observer::{self, Observer},
    store::RunId,
};
use tokio::sync::{broadcast, watch};

use crate::{order::Sell, view::OrderView};

/// How often a run is looked at that other instances may work on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a client waits before it comes back.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// What the streams of this instance are told.
#[derive(Clone)]
pub(crate) struct Live {
    /// The runs that this instance moves on. Whoever is too slow misses some, and looks all the same.
    moved: broadcast::Sender<RunId>,
    closing: watch::Sender<bool>,
}

/// Where a stream stands.
struct Place {
    run: Run<Sell>,
    shown: Option<OrderView>,
    moved: broadcast::Receiver<RunId>,
    closing: watch::Receiver<bool>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self { moved: broadcast::Sender::new(1024), closing: watch::Sender::new(false) }
    }

    /// Ends all streams.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Ready when [`Live::close`] is called.
    pub(crate) fn closed(&self) -> impl Future<Output = ()> + use<> {
        let mut closing = self.closing.subscribe();
        // It fails if all who could close are gone.
        async move { drop(closing.wait_for(|closing| *closing).await) }
    }

    /// Begins with how the run stands, goes on with each change, and ends with the run.
    pub(crate) fn follow(
        &self,
        run: Run<Sell>,
    ) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
        let place =
            Place { run, shown: None, moved: self.moved.subscribe(), closing: self.closing.subscribe() };
        let events = stream::unfold(place, |mut place| async { Some((place.next().await?, place)) });
        Sse::new(events.map(Ok)).keep_alive(KeepAlive::default())
    }
}

impl Observer for Live {
    fn told(&self, event: &observer::Event) {
        let run = match event {
            observer::Event::Reached(reached) => &reached.run,
            observer::Event::Parked(parked) => &parked.run,
            observer::Event::Ended(ended) => &ended.run,
            _ => return,
        };
        // Nobody may be watching.
        let _ = self.moved.send(run.clone());
    }
}

impl Place {
    /// The next event; none if there is nothing more to tell.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.shown.as_ref().is_some_and(|view| view.status.is_ended()) || *self.closing.borrow() {
                return None;
            }
            match OrderView::of(&self.run).await {
                Ok(view) if self.shown.as_ref() != Some(&view) => {
                    let event = view.event().retry(COME_BACK_AFTER);
                    self.shown = Some(view);
                    return Some(event);
                }
                Ok(_) => self.wait().await,
                Err(error) => {
                    tracing::warn!(run = self.run.id(), ?error, "a stream can't see its run");
                    self.wait().await;
                }
            }
        }
    }

    /// Waits until it is time to look.
    async fn wait(&mut self) {
        tokio::select! {
            _ = tokio::time::timeout(LOOK_EVERY, moved(&mut self.moved, self.run.id())) => {}
            _ = self.closing.changed() => {}
        }
    }
}

/// Waits until this run was moved on here.
async fn moved(moved: &mut broadcast::Receiver<RunId>, run: &str) {
    while moved.recv().await.is_ok_and(|moved| moved.as_str() != run) {}
}
