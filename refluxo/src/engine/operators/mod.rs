//! What operators see of all runs, and have many of them do: lists, counts, histories, orders in bulk, purges.
//!
//! In reading order: `query` says which runs, `page` shows them, `bulk` tells them something, `purge` removes those that are
//! over, and `retention` does so by itself. `history` tells what one run did.

mod bulk;
mod error;
mod history;
mod page;
mod purge;
mod query;
mod retention;

pub use bulk::{Bulk, BulkOrder};
pub use error::{BulkError, PurgeError, QueryError};
pub use history::{
    CallEntry, CallOutcome, ForkEntry, History, HistoryEntry, HistoryEvent, HistoryPage, OrderEntry,
};
pub use page::{Paging, RunPage, RunSummary};
pub use purge::Purging;
pub use query::{RunCount, RunQuery};
pub use retention::Retention;
pub(super) use retention::{Rules, retain};
