//! Slots: where locals wait between the blocks of a workflow.

use std::{
    collections::BTreeSet,
    mem,
    sync::{Mutex, PoisonError},
};

use super::{Local, Saved};
use crate::snapshot::LoadError;

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
        Self { value: None, changed: false }
    }

    /// Takes a field of a state in. The slot is new, so nothing is dropped and nothing can unwind.
    #[inline]
    pub fn enter(&mut self, value: T) {
        mem::forget(self.value.replace(value));
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

    /// Lets a local leave for a state: the slot's type is the local's. Can't unwind.
    #[inline]
    pub fn leave(&self, value: T) -> T {
        value
    }

    /// Whether the local differs from the one that was loaded.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.changed
    }
}

/// Holds a local whose type rustc infers, and which is saved.
///
/// A local that was loaded stays JSON until [`SavedSlot::load`] decodes it. Only [`SavedSlot::new`] asks for a type that can be
/// saved: so a local that can't be is told once, where it is declared, and not again wherever its slot is used.
#[derive(Debug)]
pub struct SavedSlot<T> {
    slot: Slot<T>,
    kept: Local,
    save: fn(T) -> Local,
    load: fn(Local) -> Result<T, serde_json::Error>,
}

impl<T> SavedSlot<T> {
    /// An empty slot.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only generated code makes one")]
    pub fn new() -> Self
    where
        T: Saved,
    {
        Self { slot: Slot::new(), kept: Local::default(), save: Local::new, load: Local::into_value }
    }

    /// An empty slot for one of several string literals. It is saved as a string and found among the literals that were read
    /// before, so that memory grows with their number only.
    #[must_use]
    pub fn literal() -> Self
    where
        Self: LiteralSlot,
    {
        Self::empty()
    }

    /// Decodes a field of a state; what can't be decoded is told to `fault`.
    #[inline(never)]
    pub fn load(
        &mut self,
        local: Local,
        state: &'static str,
        field: &'static str,
        fault: &mut Option<LoadError>,
    ) {
        match (self.load)(local) {
            Ok(value) => self.slot.put(value),
            Err(cause) => {
                fault.get_or_insert(LoadError::Field { state: state.to_owned(), field, cause });
            }
        }
    }

    /// Keeps a field of a state that no code needs before the next await. The slot is new, so nothing is dropped and nothing
    /// can unwind.
    #[inline]
    pub fn keep(&mut self, local: Local) {
        mem::forget(mem::replace(&mut self.kept, local));
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

    /// Makes a local that a block holds ready to leave for a state.
    #[inline(never)]
    pub fn seal(&mut self, value: T) {
        self.kept = (self.save)(value);
    }

    /// Makes the local ready to leave for a state from where it is.
    #[inline(never)]
    pub fn seal_held(&mut self) {
        if let Some(value) = self.slot.value.take() {
            self.seal(value);
        }
    }

    /// Lets a local leave for a state that was made ready for it. Can't unwind.
    #[inline]
    pub fn out(&mut self) -> Local {
        mem::take(&mut self.kept)
    }

    /// Whether the local differs from the one that was loaded.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.slot.changed()
    }
}

/// The slot of a `&'static str`.
pub trait LiteralSlot {
    /// An empty slot.
    fn empty() -> Self;
}

impl LiteralSlot for SavedSlot<&'static str> {
    fn empty() -> Self {
        Self {
            slot: Slot::new(),
            kept: Local::default(),
            save: |text| Local::new(text.to_owned()),
            load: read_literal,
        }
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
