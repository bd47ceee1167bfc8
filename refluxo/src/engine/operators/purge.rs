//! Runs that are over are removed.

use futures_util::future::BoxFuture;

use super::{PurgeError, QueryError, RunQuery};
use crate::{
    core::VerbLetter,
    engine::{patience::ask, shared::Shared, signed::signed},
    store::{Filter, StoreError},
};

/// How many runs are removed with one request of the store: others get their turns in between.
pub(super) const BATCH: u32 = 200;

/// Runs that are to be removed, by [`RunQuery::purge`]; await it to remove them. It gives how many that were.
///
/// Only those go that have ended, and none of whose children lives that it awaited. All that belongs to a run goes with it:
/// its state, its history and its attributes. Its id is free again, so to start it once more is a new run. The runs go in batches,
/// those that ended first coming first. Who purged what and why is written to the log (`tracing`, as information): there is no
/// history left to tell it.
///
/// ```
/// # use std::time::Duration;
/// # use refluxo::prelude::*;
/// # async fn example(engine: Engine) -> Result<(), refluxo::engine::PurgeError> {
/// let quarter = Duration::from_hours(90 * 24);
/// let removed = engine.runs().workflow("checkout").ended_for(quarter).purge().by("eve").reason("as agreed").await?;
/// println!("{removed} runs are gone");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the parent's id is not one, or the store fails: then the error says how many were removed.
///
/// # Cancel safety
///
/// Some of the runs may be removed and others not. To purge again goes on there.
#[derive(Debug)]
#[must_use = "runs are purged by `.await`"]
pub struct Purging {
    query: RunQuery,
    letter: VerbLetter,
    limit: Option<u64>,
}

impl Purging {
    pub(super) fn new(query: RunQuery) -> Self {
        Self { query, letter: VerbLetter::default(), limit: None }
    }

    signed!("the log");

    /// Removes so many runs at most.
    pub fn limit(self, runs: u64) -> Self {
        Self { limit: Some(runs), ..self }
    }

    async fn run(self) -> Result<u64, PurgeError> {
        let Self { query, letter, limit } = self;
        let filter = match query.filter().await {
            Ok(filter) => filter,
            Err(QueryError::InvalidId(error)) => return Err(error.into()),
            Err(QueryError::Store { cause }) => return Err(PurgeError::Store { removed: 0, cause }),
        };
        let mut removed = 0;
        loop {
            let left = limit.map_or(u64::MAX, |limit| limit.saturating_sub(removed));
            let batch = u32::try_from(left).unwrap_or(u32::MAX).min(BATCH);
            let purged = if batch == 0 { Ok(0) } else { purge(query.shared(), &filter, batch).await };
            removed += purged.as_ref().map_or(0, |purged| u64::from(*purged));
            match purged {
                // Somebody else may be purging too, so fewer than asked for does not mean that no more are left.
                Ok(0) => break,
                Ok(_) => {}
                Err(cause) => {
                    tell(&letter, &filter, removed);
                    return Err(PurgeError::Store { removed, cause });
                }
            }
        }
        tell(&letter, &filter, removed);
        Ok(removed)
    }
}

/// Removes a batch.
pub(super) async fn purge(shared: &Shared, filter: &Filter, batch: u32) -> Result<u32, StoreError> {
    ask(&shared.time, || shared.store.purge(filter.clone(), batch)).await
}

/// Tells who had what removed.
pub(super) fn tell(letter: &VerbLetter, filter: &Filter, removed: u64) {
    let VerbLetter { by, reason } = letter;
    tracing::info!(removed, by, reason, ?filter, "runs were purged");
}

impl IntoFuture for Purging {
    type Output = Result<u64, PurgeError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}
