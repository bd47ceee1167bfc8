//! How a schedule stands, as it is stored and with the words that it has not heeded.

use serde::Deserialize;

use super::{ScheduleError, book::Book, handle::Name, keeper::Keeper, word::Word};
use crate::{
    core::signal_kind,
    engine::{Shared, ask},
    machine::Machine as _,
    snapshot::{Hot, LoadError, ParkReason, merge, parts::split},
    store::{Depth, Record},
    suspend::Target,
    time::Timestamp,
};

/// How a schedule stands.
pub(super) struct Standing {
    pub(super) target: Target,
    pub(super) book: Book,
    /// Why its run can't go on.
    pub(super) parked: Option<ParkReason>,
    /// The time by the store's clock.
    pub(super) now: Timestamp,
}

/// The locals that every state of a schedule's workflow has.
#[derive(Deserialize)]
struct Locals {
    target: Target,
    book: Book,
}

/// How a schedule stands; nothing if there is none, or it has ended.
pub(super) async fn standing(shared: &Shared, name: &Name) -> Result<Option<Standing>, ScheduleError> {
    let store = |cause| ScheduleError::Store { name: name.text.to_string(), cause };
    let record = ask(&shared.time, || shared.store.load(&name.run, Depth::All)).await.map_err(store)?;
    let Some(record) = record else { return Ok(None) };
    if record.row.queue != Keeper::NAME {
        return Err(ScheduleError::OtherWorkflow { id: name.run.clone(), found: record.row.queue });
    }
    if record.row.head.status.is_ended() {
        return Ok(None);
    }
    let standing = read(&record, shared.now());
    standing.map(Some).map_err(|cause| ScheduleError::Unreadable { name: name.text.to_string(), cause })
}

fn read(record: &Record, now: Timestamp) -> Result<Standing, LoadError> {
    let (fields, _) = split(&record.parts)?;
    let state = merge(&record.state, fields)?;
    let Locals { mut target, mut book } = serde_json::from_str(state.get()).map_err(LoadError::envelope)?;
    let kind = signal_kind(Word::SIGNAL);
    for message in record.inbox.iter().filter(|message| message.kind == kind) {
        let word = serde_json::from_slice(&message.body).map_err(LoadError::envelope)?;
        target = book.heed(word).unwrap_or(target);
    }
    let parked = Hot::read(&record.row.head.body)?.error.map(std::borrow::Cow::into_owned);
    Ok(Standing { target, book, parked, now })
}
