//! What a program holds of a schedule, and what it can have it do.

use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

use super::{
    Note, ScheduleError, ScheduleInfo,
    book::{self, Book},
    standing::{Standing, standing},
    word::Word,
};
use crate::{
    engine::{Engine, send},
    store::{RunId, Uid},
    time::Timestamp,
};

/// How long a name may be, in bytes: with a tick or the id of an order after it, it is the id of a run.
const LONGEST_NAME: usize = 150;

/// The name of a schedule, and the id of its own run.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) text: Arc<str>,
    pub(super) run: RunId,
}

impl Name {
    /// What stands before the name in the id of a schedule's run.
    pub(super) const PREFIX: &str = "schedule/";

    pub(super) fn new(name: &str) -> Result<Self, ScheduleError> {
        // The name by itself, since a prefix makes any text longer than nothing.
        let run = RunId::new(name)
            .and_then(|_| match name.len() {
                bytes if bytes > LONGEST_NAME => Err(crate::store::InvalidRunId::TooLong { bytes }),
                _ => RunId::new(format!("{}{name}", Self::PREFIX)),
            })
            .map_err(|cause| ScheduleError::Name { name: name.to_owned(), cause })?;
        Ok(Self { text: name.into(), run })
    }
}

/// A schedule.
///
/// A handle: it can be made again from the name with [`Engine::schedule_handle`], and dropping it leaves the schedule alone.
#[derive(Clone)]
pub struct ScheduleHandle {
    engine: Engine,
    name: Name,
}

impl ScheduleHandle {
    pub(super) fn new(engine: Engine, name: Name) -> Self {
        Self { engine, name }
    }

    /// The schedule's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// The id of the schedule's own run, an ordinary run of the workflow `refluxo.schedule`.
    #[must_use]
    pub fn run_id(&self) -> &str {
        self.name.run.as_str()
    }

    /// Lets no tick start a run until it is [resumed](Self::resume). What waits for an earlier run, or is made up, is dropped;
    /// what an operator ordered is done all the same. The run at work is left alone.
    pub fn pause(&self) -> ScheduleOrder<()> {
        self.order((), Word::Pause)
    }

    /// Lets ticks start runs again. Those in the pause are left out; a [backfill](Self::backfill) makes them up.
    pub fn resume(&self) -> ScheduleOrder<()> {
        self.order((), Word::Resume)
    }

    /// Starts a run besides, and gives its id: at once if runs may overlap or none is at work, else after that. Also in a
    /// pause.
    ///
    /// The id is given when the order is stored; the run is there as soon as a worker has heeded it.
    pub fn trigger(&self) -> ScheduleOrder<RunId> {
        let run = RunId::new(format!("{}@trigger-{}", self.name.text, Uid::random()));
        // The name was checked to leave room for it.
        let run = run.unwrap_or_else(|_| self.name.run.clone());
        self.order(run.clone(), move |note| Word::Trigger { run, note })
    }

    /// Makes the ticks from `from` on up, those before `to`: at once if runs may overlap, else one after another, as soon as
    /// nothing else waits. Also in a pause.
    ///
    /// A tick whose run there is already is left as it is: to run it once more, fork or purge that, or use a
    /// [trigger](Self::trigger).
    pub fn backfill(&self, from: impl Into<Timestamp>, to: impl Into<Timestamp>) -> ScheduleOrder<()> {
        let (from, to) = (from.into(), to.into());
        let mut order = self.order((), move |note| Word::Backfill { from, to, note });
        order.span = Some((from, to));
        order
    }

    /// Ends the schedule. Its runs are left alone. [`Engine::schedule`] makes it anew, under its name.
    pub fn delete(&self) -> ScheduleOrder<()> {
        self.order((), Word::Delete)
    }

    /// How the schedule stands, with what it was told and has not heeded yet.
    ///
    /// # Errors
    ///
    /// If there is no such schedule, it can't be read, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn describe(&self) -> Result<ScheduleInfo, ScheduleError> {
        ScheduleInfo::read(self.engine.shared(), &self.name).await
    }

    fn order<T>(&self, answer: T, word: impl FnOnce(Note) -> Word + Send + 'static) -> ScheduleOrder<T> {
        ScheduleOrder {
            handle: self.clone(),
            answer,
            word: Box::new(word),
            span: None,
            note: Note::at(Timestamp::EPOCH),
        }
    }
}

impl fmt::Debug for ScheduleHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduleHandle").field("name", &self.name.text).finish_non_exhaustive()
    }
}

/// What an operator has a schedule do; await it to send it.
///
/// It is durable when that returns, and heeded by whoever works on the schedule, at once or when a worker comes.
///
/// # Errors
///
/// If there is no such schedule, too many orders wait, or the store fails.
///
/// # Cancel safety
///
/// It may be sent or not.
#[must_use = "an order is sent by `.await`"]
pub struct ScheduleOrder<T> {
    handle: ScheduleHandle,
    /// What the caller gets once it is sent.
    answer: T,
    word: Box<dyn FnOnce(Note) -> Word + Send>,
    /// What it is to make up.
    span: Option<(Timestamp, Timestamp)>,
    note: Note,
}

impl<T> ScheduleOrder<T> {
    /// Says who wants it, for the schedule's [description](ScheduleInfo::orders).
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.note.by = Some(who.into());
        self
    }

    /// Says why, for the schedule's [description](ScheduleInfo::orders).
    pub fn reason(mut self, why: impl Into<String>) -> Self {
        self.note.reason = Some(why.into());
        self
    }

    async fn send(self) -> Result<T, ScheduleError> {
        let Self { handle: ScheduleHandle { engine, name }, answer, word, span, mut note } = self;
        let shared = engine.shared();
        let Some(Standing { book, now, .. }) = standing(shared, &name).await? else {
            return Err(ScheduleError::Unknown { name: name.text.to_string() });
        };
        note.at = now;
        check(&book, span, now)?;
        send::signal(shared, &name.run, None, Word::SIGNAL, &word(note))
            .await
            .map_err(|error| ScheduleError::of_signal(&name.text, error))?;
        Ok(answer)
    }
}

/// Refuses what a schedule that stands so would not heed.
fn check(book: &Book, span: Option<(Timestamp, Timestamp)>, now: Timestamp) -> Result<(), ScheduleError> {
    let name = book.name.clone();
    if book.deleted.is_some() {
        return Err(ScheduleError::Unknown { name });
    }
    let waiting = book.triggers.len().max(book.spans.len());
    if waiting >= book::WAITING {
        return Err(ScheduleError::Full { name, waiting });
    }
    match span {
        Some((from, to)) if from >= to || to > now => Err(ScheduleError::Backfill { name, from, to, now }),
        Some(_) | None => Ok(()),
    }
}

impl<T: Send + 'static> IntoFuture for ScheduleOrder<T> {
    type Output = Result<T, ScheduleError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl<T> fmt::Debug for ScheduleOrder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduleOrder")
            .field("schedule", &self.handle.name.text)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}
