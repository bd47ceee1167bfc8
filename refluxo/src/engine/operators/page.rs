//! Pages of runs.

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use serde::Serialize;

use super::{QueryError, RunQuery, query::rows};
use crate::{
    snapshot::{ParkReason, RunStatus},
    store::{AttrValue, Attribute, Due, ListCursor, ListedRow, Revision, Row, RunId, Status},
    time::Timestamp,
};

/// The most runs of a page.
const LONGEST: u32 = 1_000;

/// A page of runs that is to be shown, by [`RunQuery::page`]; await it.
///
/// A run that is there all the while is on one page and no more, whatever happens to others between the pages.
///
/// # Errors
///
/// If the parent's id is not one, or the store fails.
///
/// # Cancel safety
///
/// It writes nothing.
#[derive(Debug)]
#[must_use = "a page is read by `.await`"]
pub struct Paging {
    query: RunQuery,
    after: Option<ListCursor>,
    limit: u32,
}

/// Some runs.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunPage {
    /// The runs, the newest first.
    pub runs: Vec<RunSummary>,
    /// Where the next page begins, if there may be one. As JSON and with `Display` it is a text.
    pub next: Option<ListCursor>,
}

/// A run as a list shows it. [`Engine::snapshot`](crate::Engine::snapshot) has the rest.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// Its workflow's name.
    pub workflow: String,
    /// How urgent it is: see [`Starting::priority`](crate::engine::Starting::priority).
    pub priority: i8,
    /// The key of which no more runs are worked on at once than a limit says: see [`Starting::key`](crate::engine::Starting::key).
    pub key: Option<String>,
    /// The version of the workflow that wrote its state.
    pub version: u32,
    /// How it stands.
    pub status: RunStatus,
    /// The name of the state that it is at; once it has ended, of the last one.
    pub at: String,
    /// How many commits it has had.
    pub revision: Revision,
    /// The run that awaits it.
    pub parent: Option<RunId>,
    /// The run at the top of its family: itself, if nobody awaits it.
    pub root: RunId,
    /// What it can be found by.
    pub attributes: BTreeMap<String, AttrValue>,
    /// Why it is parked.
    pub error: Option<ParkReason>,
    /// When it goes on by itself, if no worker holds it; none if only a message wakes it.
    pub due: Option<Timestamp>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last committed.
    pub updated_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
}

impl Paging {
    pub(super) fn new(query: RunQuery, limit: u32) -> Self {
        Self { query, after: None, limit: limit.clamp(1, LONGEST) }
    }

    /// The page that begins behind this place: the [`RunPage::next`] of the page before. With `None`, the first page.
    pub fn after(self, place: impl Into<Option<ListCursor>>) -> Self {
        Self { after: place.into(), ..self }
    }

    async fn read(self) -> Result<RunPage, QueryError> {
        let Self { query, after, limit } = self;
        let filter = query.filter().await?;
        let shared = query.shared();
        let found = rows(shared, &filter, after.as_ref(), limit).await;
        let (rows, next) = found.map_err(|cause| QueryError::Store { cause })?;
        let now = shared.now();
        Ok(RunPage { runs: rows.into_iter().map(|row| RunSummary::of(row, now)).collect(), next })
    }
}

impl IntoFuture for Paging {
    type Output = Result<RunPage, QueryError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.read())
    }
}

impl RunSummary {
    /// What a list shows of a run at this time by the store's clock.
    fn of(listed: ListedRow, now: Timestamp) -> Self {
        let ListedRow { row, attributes } = listed;
        let due = match row.due {
            Due::At(due) | Due::Blocked { since: due } => Some(due),
            Due::Never | Due::Leased { .. } => None,
        };
        Self {
            status: RunStatus::of(row.head.status, row.is_running(now)),
            error: reason(&row),
            attributes: attributes.into_iter().map(|Attribute { name, value }| (name, value)).collect(),
            due,
            id: row.id,
            workflow: row.queue,
            priority: row.lane.priority,
            key: row.lane.key,
            version: row.head.version,
            at: row.head.at,
            revision: row.revision,
            parent: row.parent,
            root: row.root,
            created_at: row.created,
            updated_at: row.updated,
            ended_at: row.ended,
        }
    }
}

/// Why a run is parked, as its envelope says.
fn reason(row: &Row) -> Option<ParkReason> {
    (row.head.status == Status::Parked).then(|| ParkReason::of_head(&row.head))
}
