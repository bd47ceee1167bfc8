//! What an operator can have a run do: messages that it heeds before anything else when it is advanced next.

use serde_json::value::to_raw_value;

use super::{DeliverError, Storeless};
use crate::{
    core::{Verb, VerbLetter},
    snapshot::Snapshot,
};

/// What an operator has runs do, with who wants it and why: made by [`Storeless::by`] and [`Storeless::reason`].
///
/// Both stand in the message in [`Snapshot::inbox`] until the run heeds it. No history is kept without a store; who keeps the
/// snapshots has them.
#[derive(Clone, Debug)]
pub struct Orders<'a> {
    engine: &'a Storeless,
    letter: VerbLetter,
}

impl Storeless {
    /// Says who wants what follows: `engine.by("eve").cancel(&snapshot)`.
    #[must_use = "this says who, and not what"]
    pub fn by(&self, who: impl Into<String>) -> Orders<'_> {
        self.orders().by(who)
    }

    /// Says why what follows is wanted: `engine.reason("it was a test").abort(&snapshot)`.
    #[must_use = "this says why, and not what"]
    pub fn reason(&self, why: impl Into<String>) -> Orders<'_> {
        self.orders().reason(why)
    }

    fn orders(&self) -> Orders<'_> {
        Orders { engine: self, letter: VerbLetter::default() }
    }

    /// Cancels the run: as [`Engine::cancel`](crate::Engine::cancel), from the next time that it is advanced.
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn cancel(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.orders().cancel(snapshot)
    }

    /// Aborts the run: as [`Engine::abort`](crate::Engine::abort), from the next time that it is advanced.
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn abort(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.orders().abort(snapshot)
    }

    /// Pauses the run: as [`Engine::pause`](crate::Engine::pause), from the next time that it is advanced.
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn pause(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.orders().pause(snapshot)
    }

    /// Lets a run go on that was paused, from the next time that it is advanced.
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn resume(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.orders().resume(snapshot)
    }

    /// Lets a run go on where it is parked: as [`Engine::retry`](crate::Engine::retry), from the next time that it is advanced.
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn retry(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.orders().retry(snapshot)
    }
}

impl Orders<'_> {
    /// Says who wants it.
    #[must_use = "this says who, and not what"]
    pub fn by(mut self, who: impl Into<String>) -> Self {
        self.letter = self.letter.by(who);
        self
    }

    /// Says why.
    #[must_use = "this says why, and not what"]
    pub fn reason(mut self, why: impl Into<String>) -> Self {
        self.letter = self.letter.reason(why);
        self
    }

    /// See [`Storeless::cancel`].
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn cancel(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.tell(snapshot, Verb::Cancel)
    }

    /// See [`Storeless::abort`].
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn abort(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.tell(snapshot, Verb::Abort)
    }

    /// See [`Storeless::pause`].
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn pause(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.tell(snapshot, Verb::Pause)
    }

    /// See [`Storeless::resume`].
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn resume(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.tell(snapshot, Verb::Resume)
    }

    /// See [`Storeless::retry`].
    ///
    /// # Errors
    ///
    /// If the run is over, or the snapshot can't be read.
    pub fn retry(&self, snapshot: &Snapshot) -> Result<Snapshot, DeliverError> {
        self.tell(snapshot, Verb::Retry)
    }

    /// Has the run told what is wanted of it.
    fn tell(&self, snapshot: &Snapshot, verb: Verb) -> Result<Snapshot, DeliverError> {
        let unsaved = |cause| DeliverError::Unsaved { signal: verb.kind().to_owned(), cause };
        let letter = to_raw_value(&self.letter).map_err(unsaved)?;
        self.engine.put(snapshot, verb.kind().to_owned(), letter)
    }
}
