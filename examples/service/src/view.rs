//! An order as it is shown to the outside: no more of its run than callers need.

use axum::response::sse::Event;
use refluxo::{
    Run,
    snapshot::{Call, RunStatus, Snapshot},
    store::Revision,
    time::Timestamp,
};
use serde::Serialize;

use crate::{
    error::ApiError,
    order::{Receipt, SaleError, Sell},
};

/// How an order stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrderView {
    id: String,
    pub(crate) status: RunStatus,
    at: String,
    pub(crate) revision: Revision,
    /// What it performs or waits for, in which attempt and until when.
    calls: Vec<Call>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<Receipt>,
    /// Why nothing was sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
    /// Why it can't go on until somebody mends something.
    #[serde(skip_serializing_if = "Option::is_none")]
    parked: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl OrderView {
    /// How the order stands now.
    pub(crate) async fn of(run: &Run<Sell>) -> Result<Self, ApiError> {
        Ok(run.snapshot().await?.try_into()?)
    }

    /// What a stream shows. The id of the event tells what the client has seen when it comes back.
    pub(crate) fn event(&self) -> Event {
        let event = Event::default().event("status").id(self.revision.to_string());
        event.json_data(self).unwrap_or_else(|error| Event::default().comment(error.to_string()))
    }
}

impl TryFrom<Snapshot> for OrderView {
    type Error = serde_json::Error;

    fn try_from(snapshot: Snapshot) -> Result<Self, Self::Error> {
        let (receipt, failure) = match snapshot.output::<Result<Receipt, SaleError>>()? {
            Some(Ok(receipt)) => (Some(receipt), None),
            Some(Err(error)) => (None, Some(error.to_string())),
            None => (None, None),
        };
        Ok(Self {
            id: snapshot.id.to_string(),
            status: snapshot.status,
            at: snapshot.at,
            revision: snapshot.revision,
            calls: snapshot.calls,
            receipt,
            failure,
            parked: snapshot.error.map(|reason| reason.to_string()),
            created_at: snapshot.created_at,
            updated_at: snapshot.updated_at,
        })
    }
}
