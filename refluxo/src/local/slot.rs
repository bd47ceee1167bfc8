//! Slots: where locals wait between the blocks of a workflow.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, PoisonError},
};

use super::{Local, Saved};
use crate::{machine::Changes, snapshot::LoadError};

/// Holds a local whose type is written in the snapshot, or which no await separates from its uses.
///
/// What takes a value out is only called where the graph of blocks says that there is one.
#[derive(Debug)]
pub struct Slot<T> {
    value: Option<T>,
    changed: bool,
}

impl<T> Slot<T> {
    /// An empty slot.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub const fn new() -> Self {
        Self::of(None)
    }

    /// The slot of a field, which not every state has.
    #[must_use]
    pub const fn of(field: Option<T>) -> Self {
        Self { value: field, changed: false }
    }

    /// Puts back a local that did not change.
    #[inline(never)]
    pub fn put(&mut self, value: T) {
        self.value = Some(value);
    }

    /// Puts back a local that may have changed.
    #[inline(never)]
    pub fn put_changed(&mut self, value: T) {
        self.value = Some(value);
        self.changed = true;
    }

    /// Takes the local out.
    ///
    /// # Panics
    ///
    /// If the slot is empty, which is a defect of the macro.
    #[inline(never)]
    pub fn take(&mut self) -> T {
        match self.value.take() {
            Some(value) => value,
            None => empty(),
        }
    }

    /// Learns the type of a local that stays where it is.
    pub fn see(&self, value: &T) {
        let _ = value;
    }

    /// Lets the local leave for its field, and notes whether it may differ from the one that was loaded.
    #[inline(never)]
    pub fn out(&mut self, number: usize, changes: &mut Changes) -> Option<T> {
        changes.note(number, self.changed);
        self.value.take()
    }
}

/// Holds a local whose type rustc infers, and which is saved.
///
/// A local that was loaded stays JSON until [`SavedSlot::load`] decodes it. Only [`SavedSlot::of`] asks for a type that can be
/// saved: so a local that can't be is told once, where it is declared, and not again wherever its slot is used.
#[derive(Debug)]
pub struct SavedSlot<T> {
    slot: Slot<T>,
    kept: Local,
    save: fn(T) -> Local,
    load: fn(Local) -> Result<T, serde_json::Error>,
}

impl<T> SavedSlot<T> {
    /// The slot of a field, which not every state has.
    #[must_use]
    pub fn of(field: Local) -> Self
    where
        T: Saved,
    {
        Self { slot: Slot::new(), kept: field, save: Local::new, load: Local::into_value }
    }

    /// The slot of one of several string literals. It is saved as a string and found among the literals that were read before, so
    /// that memory grows with their number only.
    #[must_use]
    pub fn literal(field: Local) -> Self
    where
        Self: LiteralSlot,
    {
        LiteralSlot::of(field)
    }

    /// Decodes the field; if it can't be decoded, `fault` is told.
    #[inline(never)]
    pub fn load(&mut self, state: &'static str, field: &'static str, fault: &mut Option<LoadError>) {
        match (self.load)(mem::take(&mut self.kept)) {
            Ok(value) => self.slot.put(value),
            Err(cause) => {
                fault.get_or_insert(LoadError::Field { state: state.to_owned(), field, cause });
            }
        }
    }

    /// Puts back a local that did not change.
    #[inline(never)]
    pub fn put(&mut self, value: T) {
        self.slot.put(value);
    }

    /// Puts back a local that may have changed.
    #[inline(never)]
    pub fn put_changed(&mut self, value: T) {
        self.slot.put_changed(value);
    }

    /// Takes the local out.
    ///
    /// # Panics
    ///
    /// If the slot is empty, which is a defect of the macro.
    #[inline(never)]
    pub fn take(&mut self) -> T {
        self.slot.take()
    }

    /// Learns the type of a local that stays where it is.
    pub fn see(&self, value: &T) {
        let _ = value;
    }

    /// Lets the local leave for its field, and notes whether it may differ from the one that was loaded.
    #[inline(never)]
    pub fn out(&mut self, number: usize, changes: &mut Changes) -> Local {
        match self.slot.out(number, changes) {
            Some(value) => (self.save)(value),
            None => mem::take(&mut self.kept),
        }
    }
}

/// The slot of a `&'static str`.
pub trait LiteralSlot {
    /// The slot of a field.
    fn of(field: Local) -> Self;
}

impl LiteralSlot for SavedSlot<&'static str> {
    fn of(field: Local) -> Self {
        Self { slot: Slot::new(), kept: field, save: |text| Local::new(text.to_owned()), load: read_literal }
    }
}

/// Reads a literal. The type doesn't tell where the literal stands, so each distinct one is kept for good.
fn read_literal(local: Local) -> Result<&'static str, serde_json::Error> {
    static KNOWN: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

    let text: String = local.into_value()?;
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = known.get(text.as_str()) {
        return Ok(known);
    }
    let kept: &'static str = Box::leak(text.into_boxed_str());
    known.insert(kept);
    Ok(kept)
}

#[cold]
fn empty() -> ! {
    panic!("a block took a local that no block before it put back: this is a defect of `#[workflow]`")
}
