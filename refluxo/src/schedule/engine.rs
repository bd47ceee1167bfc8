//! Making schedules, and finding them.

use std::time::Duration;

use super::{
    Note, Schedule, ScheduleError, ScheduleHandle,
    book::{ATTRIBUTE, Book, attribute},
    handle::Name,
    keeper::{Keeper, keep},
    standing::{Standing, standing},
    word::Word,
};
use crate::{
    core::{Origin, birth, input_hash, target},
    engine::{Engine, Kind, Shared, ask, send},
    machine::Machine,
    store::{AttrValue, Created, Filter, Listed, Query, Start, Status},
    suspend::Target,
};

/// How long a schedule that was deleted may take to end before it is made anew.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pause between two looks whether it has.
const LOOK: Duration = Duration::from_millis(50);

/// How many schedules are listed at once.
const PAGE: u32 = 200;

impl Engine {
    /// Has runs of a workflow started by a schedule: makes the schedule of this name, or brings the one that there is up to date.
    ///
    /// To be called at every start of a program: what is the same already stays as it is. What differs is changed, and the last
    /// caller counts; a changed time plan counts from that moment on, and what the old one still owed is dropped. A pause stays.
    ///
    /// Each tick starts one run with these arguments, under the id `NAME@2026-11-25T02:00:00Z`, however many workers there are:
    /// the commit that starts it notes it as done. The schedule is an ordinary run itself, `schedule/NAME`, which any engine with
    /// workflows of its own works on. All of them have the attribute [`ATTRIBUTE`](super::ATTRIBUTE) with the schedule's name.
    ///
    /// # Errors
    ///
    /// If the workflow is not registered, the name or the arguments are not fit, or the store fails.
    ///
    /// # Cancel safety
    ///
    /// The schedule may be made or not; call it again to know.
    ///
    /// ```
    /// use refluxo::{
    ///     prelude::*,
    ///     schedule::{CatchUp, Overlap, Schedule},
    /// };
    ///
    /// #[workflow]
    /// async fn report(recipient: String) -> String {
    ///     recipient
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let engine = Engine::builder(MemoryStore::new()).register::<Report>().build().await?;
    /// let nightly = Schedule::cron("0 3 * * *")?.zone("Europe/Berlin")?.catch_up(CatchUp::Latest).overlap(Overlap::Skip);
    /// let nightly = engine.schedule("nightly-report", nightly, report("eve@example.com".into())).await?;
    ///
    /// let run = nightly.trigger().by("adam").reason("the first one").await?;
    /// println!("{run} is started, and then at {:?}", nightly.describe().await?.next);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn schedule<W: Machine>(
        &self,
        name: impl AsRef<str>,
        schedule: Schedule,
        workflow: W,
    ) -> Result<ScheduleHandle, ScheduleError> {
        let name = Name::new(name.as_ref())?;
        let shared = self.shared();
        if !shared.registry.kind(W::NAME).is_some_and(Kind::is::<W>) {
            return Err(ScheduleError::NotRegistered { workflow: W::NAME });
        }
        let target = target(&workflow)
            .map_err(|cause| ScheduleError::Arguments { name: name.text.to_string(), cause })?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.try_schedule(&name, &schedule, &target).await? {
            if tokio::time::Instant::now() > deadline {
                return Err(ScheduleError::BeingDeleted { name: name.text.to_string() });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(ScheduleHandle::new(self.clone(), name))
    }

    /// The schedule of this name. Whether there is one is told by what is asked of it.
    ///
    /// # Errors
    ///
    /// If the name can't be one.
    pub fn schedule_handle(&self, name: impl AsRef<str>) -> Result<ScheduleHandle, ScheduleError> {
        Ok(ScheduleHandle::new(self.clone(), Name::new(name.as_ref())?))
    }

    /// All schedules, the newest first.
    ///
    /// # Errors
    ///
    /// If the store fails.
    ///
    /// # Cancel safety
    ///
    /// It writes nothing.
    pub async fn schedules(&self) -> Result<Vec<ScheduleHandle>, ScheduleError> {
        let shared = self.shared();
        let is_living = |status: &Status| !status.is_ended();
        let statuses = Status::ALL.into_iter().filter(is_living).collect();
        let filter = Filter { queues: vec![Keeper::NAME.to_owned()], statuses, ..Filter::default() };
        let (mut handles, mut after) = (Vec::new(), None);
        loop {
            let query = Query::Rows { filter: filter.clone(), after: after.take(), limit: PAGE };
            let listed = ask(&shared.time, || shared.store.list(query.clone())).await;
            let Listed::Rows { rows, next } = listed.map_err(|cause| ScheduleError::List { cause })? else {
                return Ok(handles);
            };
            let names = rows.iter().filter_map(|listed| listed.row.id.as_str().strip_prefix(Name::PREFIX));
            for name in names {
                handles.push(self.schedule_handle(name)?);
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(handles),
            }
        }
    }

    /// Makes a schedule or changes it; `false` if the one that there is has to end first.
    async fn try_schedule(
        &self,
        name: &Name,
        schedule: &Schedule,
        target: &Target,
    ) -> Result<bool, ScheduleError> {
        let shared = self.shared();
        let Some(Standing { target: found, book, now, .. }) = standing(shared, name).await? else {
            return create(shared, name, schedule, target).await;
        };
        if book.deleted.is_some() {
            return Ok(false);
        }
        if book.schedule == *schedule && is_same(&found, target) {
            return Ok(true);
        }
        let word = Word::Update { schedule: schedule.clone(), target: target.clone(), note: Note::at(now) };
        match send::signal(shared, &name.run, None, Word::SIGNAL, &word).await {
            Ok(()) => Ok(true),
            Err(error) => match ScheduleError::of_signal(&name.text, error) {
                // It has ended since.
                ScheduleError::Unknown { .. } => Ok(false),
                error => Err(error),
            },
        }
    }
}

/// Creates the run of a schedule; `false` if there is one.
async fn create(
    shared: &Shared,
    name: &Name,
    schedule: &Schedule,
    target: &Target,
) -> Result<bool, ScheduleError> {
    let store = |cause| ScheduleError::Store { name: name.text.to_string(), cause };
    // One that was deleted, or cancelled, makes room.
    let statuses = Status::ALL.into_iter().filter(|status| status.is_ended()).collect();
    let attributes = vec![(ATTRIBUTE.to_owned(), AttrValue::Text(name.text.to_string()))];
    let filter = Filter { queues: vec![Keeper::NAME.to_owned()], statuses, attributes, ..Filter::default() };
    ask(&shared.time, || shared.store.purge(filter.clone(), 1)).await.map_err(store)?;
    let book = Book::new(name.text.to_string(), schedule.clone(), shared.now());
    let origin = Origin::of(name.run.clone(), (shared.uids)());
    let (_, mut new_run) = birth(origin, &keep(target.clone(), book), Start::Now)
        .map_err(|cause| ScheduleError::Arguments { name: name.text.to_string(), cause })?;
    new_run.attributes = vec![attribute(&name.text)];
    let created = ask(&shared.time, || shared.store.create(vec![new_run.clone()])).await.map_err(store)?;
    match created.into_iter().next() {
        Some(Created::New { .. }) => Ok(true),
        Some(Created::Exists { .. }) | None => Ok(false),
        Some(Created::Rejected(cause)) => Err(store(cause)),
    }
}

/// Whether two first states are the same, whatever the order of their keys.
fn is_same(one: &Target, other: &Target) -> bool {
    let hash = |target: &Target| input_hash(&target.workflow, &target.state).ok();
    (one.version, &one.at) == (other.version, &other.at) && hash(one) == hash(other)
}
