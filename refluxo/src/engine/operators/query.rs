//! Which runs.

use std::{
    ops::{Bound, RangeBounds},
    time::Duration,
};

use super::{BulkOrder, Paging, Purging, QueryError};
use crate::{
    core::Verb,
    engine::{Engine, patience::ask, shared::Shared},
    machine::Machine,
    store::{
        AttrValue, Filter, InvalidRunId, ListCursor, Listed, ListedRow, Query, RunId, Status, StoreError,
    },
    time::Timestamp,
};

impl Engine {
    /// The runs of this store, whatever their workflow, to be narrowed down and then listed, counted, told something or
    /// removed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use refluxo::{prelude::*, store::Status};
    ///
    /// # async fn example(engine: Engine) -> Result<(), Box<dyn std::error::Error>> {
    /// // A page of those that are parked, with the reasons.
    /// let page = engine.runs().status(Status::Parked).page(50).await?;
    /// for run in &page.runs {
    ///     println!("{} of {} at {}: {:?}", run.id, run.workflow, run.at, run.error);
    /// }
    /// let more = engine.runs().status(Status::Parked).page(50).after(page.next).await?;
    ///
    /// // How many of a customer's are under way, and for more than a day.
    /// let late = engine.runs().attribute("customer", "Eve").older_than(Duration::from_hours(24));
    /// println!("{}", late.status(Status::Waiting).count().await?);
    ///
    /// // After a bank was mended: all that stand at its step go on.
    /// let told = engine.runs().workflow("checkout").at("Charge").status(Status::Parked).retry();
    /// let told = told.by("eve").reason("the bank is back").await?;
    /// println!("{} were told, {} had nothing to retry", told.told, told.skipped);
    /// # Ok(())
    /// # }
    /// ```
    pub fn runs(&self) -> RunQuery {
        RunQuery { engine: self.clone(), filter: Filter::default(), parent: None, ages: Ages::default() }
    }
}

/// Some of the runs of a store, by [`Engine::runs`]: those for which all hold that was said.
///
/// What is said once narrows down; a workflow or a status said twice means one of both.
#[derive(Clone, Debug)]
#[must_use = "a query is sent by `page`, `count`, a verb or `purge`"]
pub struct RunQuery {
    engine: Engine,
    filter: Filter,
    parent: Option<Result<RunId, InvalidRunId>>,
    ages: Ages,
}

/// How long ago something was, at least. What that means as a time is said by the store's clock when the query is sent.
#[derive(Clone, Debug, Default)]
struct Ages {
    created: Option<Duration>,
    updated: Option<Duration>,
    ended: Option<Duration>,
}

/// How many runs there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCount {
    /// How many were counted.
    pub runs: u64,
    /// Whether there may be more.
    pub capped: bool,
}

impl RunQuery {
    /// Those of the workflow of this name, or of one of several.
    pub fn workflow(mut self, name: impl Into<String>) -> Self {
        self.filter.queues.push(name.into());
        self
    }

    /// Those of this workflow, or of one of several.
    pub fn of<W: Machine>(self) -> Self {
        self.workflow(W::NAME)
    }

    /// Those that stand so, or in one of several ways.
    pub fn status(mut self, status: Status) -> Self {
        self.filter.statuses.push(status);
        self
    }

    /// Those at the state of this name; ended ones at their last.
    pub fn at(mut self, state: impl Into<String>) -> Self {
        self.filter.at = Some(state.into());
        self
    }

    /// Those that the run of this id awaits.
    pub fn parent(mut self, id: impl AsRef<str>) -> Self {
        self.parent = Some(RunId::new(id.as_ref()));
        self
    }

    /// Those with this attribute: see [`set_attribute`](crate::set_attribute). Said twice, those that have both.
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<AttrValue>) -> Self {
        self.filter.attributes.push((name.into(), value.into()));
        self
    }

    /// Those that were created in this range of the store's time.
    pub fn created(mut self, range: impl RangeBounds<Timestamp>) -> Self {
        (self.filter.created_from, self.filter.created_before) = bounds(&range);
        self
    }

    /// Those whose last commit was in this range of the store's time.
    pub fn updated(mut self, range: impl RangeBounds<Timestamp>) -> Self {
        (self.filter.updated_from, self.filter.updated_before) = bounds(&range);
        self
    }

    /// Those that ended in this range of the store's time.
    pub fn ended(mut self, range: impl RangeBounds<Timestamp>) -> Self {
        (self.filter.ended_from, self.filter.ended_before) = bounds(&range);
        self
    }

    /// Those that were created longer ago than this.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.ages.created = Some(age);
        self
    }

    /// Those whose last commit is longer ago than this.
    pub fn untouched_for(mut self, age: Duration) -> Self {
        self.ages.updated = Some(age);
        self
    }

    /// Those that ended longer ago than this.
    pub fn ended_for(mut self, age: Duration) -> Self {
        self.ages.ended = Some(age);
        self
    }

    /// A page of them, the newest first, with so many runs at most; of 0 and of more than 1,000, the next number that will do.
    pub fn page(self, limit: u32) -> Paging {
        Paging::new(self, limit)
    }

    /// How many there are.
    ///
    /// That takes about as long as to read them: of a store with millions of runs rather ask [`RunQuery::count_up_to`].
    ///
    /// # Errors
    ///
    /// If the parent's id is not one, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn count(&self) -> Result<u64, QueryError> {
        // What SQL databases count with.
        self.count_up_to(i64::MAX.unsigned_abs()).await.map(|count| count.runs)
    }

    /// How many there are, but no more than `cap`, where counting stops.
    ///
    /// # Errors
    ///
    /// As [`RunQuery::count`].
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn count_up_to(&self, cap: u64) -> Result<RunCount, QueryError> {
        let filter = self.filter().await?;
        let shared = self.engine.shared();
        let query = || Query::Count { filter: filter.clone(), cap };
        match ask(&shared.time, || shared.store.list(query())).await {
            Ok(Listed::Count { runs, capped }) => Ok(RunCount { runs, capped }),
            // No store answers so.
            Ok(Listed::Rows { rows, next }) => {
                Ok(RunCount { runs: rows.len() as u64, capped: next.is_some() })
            }
            Err(cause) => Err(QueryError::Store { cause }),
        }
    }

    /// Cancels all of them: see [`Engine::cancel`].
    pub fn cancel(self) -> BulkOrder {
        BulkOrder::new(self, Verb::Cancel)
    }

    /// Aborts all of them: see [`Engine::abort`].
    pub fn abort(self) -> BulkOrder {
        BulkOrder::new(self, Verb::Abort)
    }

    /// Pauses all of them: see [`Engine::pause`].
    pub fn pause(self) -> BulkOrder {
        BulkOrder::new(self, Verb::Pause)
    }

    /// Lets those go on that are paused: see [`Engine::resume`].
    pub fn resume(self) -> BulkOrder {
        BulkOrder::new(self, Verb::Resume)
    }

    /// Lets those go on that are parked: see [`Engine::retry`].
    pub fn retry(self) -> BulkOrder {
        BulkOrder::new(self, Verb::Retry)
    }

    /// Removes those that have ended, with all that belongs to them: see [`Purging`].
    pub fn purge(self) -> Purging {
        Purging::new(self)
    }

    /// What the parts of its engine share.
    pub(super) fn shared(&self) -> &Shared {
        self.engine.shared()
    }

    /// What the store is asked for.
    pub(super) async fn filter(&self) -> Result<Filter, QueryError> {
        let mut filter = self.filter.clone();
        filter.parent = self.parent.clone().transpose()?;
        let Ages { created, updated, ended } = &self.ages;
        if created.or(*updated).or(*ended).is_some() {
            let now = self.shared().asked_now().await.map_err(|cause| QueryError::Store { cause })?;
            let narrow = |before: &mut Option<Timestamp>, age: &Option<Duration>| {
                let latest = age.map(|age| now.saturating_sub(age));
                *before = [*before, latest].into_iter().flatten().min();
            };
            narrow(&mut filter.created_before, created);
            narrow(&mut filter.updated_before, updated);
            narrow(&mut filter.ended_before, ended);
        }
        Ok(filter)
    }
}

/// Asks for a page of rows.
pub(super) async fn rows(
    shared: &Shared,
    filter: &Filter,
    after: Option<&ListCursor>,
    limit: u32,
) -> Result<(Vec<ListedRow>, Option<ListCursor>), StoreError> {
    let query = || Query::Rows { filter: filter.clone(), after: after.cloned(), limit };
    match ask(&shared.time, || shared.store.list(query())).await? {
        Listed::Rows { rows, next } => Ok((rows, next)),
        // No store answers so.
        Listed::Count { .. } => Ok((Vec::new(), None)),
    }
}

/// The first time that is in the range, and the first that is behind it.
fn bounds(range: &impl RangeBounds<Timestamp>) -> (Option<Timestamp>, Option<Timestamp>) {
    let next = |time: &Timestamp| time.saturating_add(Duration::from_micros(1));
    let from = match range.start_bound() {
        Bound::Included(from) => Some(*from),
        Bound::Excluded(before) => Some(next(before)),
        Bound::Unbounded => None,
    };
    let before = match range.end_bound() {
        Bound::Included(last) => Some(next(last)),
        Bound::Excluded(before) => Some(*before),
        Bound::Unbounded => None,
    };
    (from, before)
}
