//! Borrowed locals that an `async move` block takes from around it.
//!
//! A block is saved with what it uses, and a borrow can't be saved. So a block that uses `item` of `for item in &order.items` is saved
//! with a copy, and borrows that: inside the block, `item` is still a reference. Which locals are references is known to rustc
//! alone, so it decides: [`Captured::keep`] is the inherent method for a reference, and that of [`KeepCopied`] for all else.

use std::{borrow::Borrow, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Local, Saved, SavedSlot};

/// A local that is about to be captured.
#[derive(Debug)]
pub struct Captured<'c, T>(pub &'c T);

impl<B: ToOwned + ?Sized> Captured<'_, &B> {
    /// What is saved of a reference: what it refers to.
    #[must_use]
    pub fn keep(self) -> Lent<ByReference<B>> {
        Lent((*self.0).to_owned())
    }
}

/// What is saved of a local that is no reference, such as the number in `for (n, item) in items.iter().enumerate()`.
pub trait KeepCopied<T: Clone> {
    /// Itself.
    fn keep(self) -> Lent<ByValue<T>>;
}

impl<T: Clone> KeepCopied<T> for Captured<'_, T> {
    fn keep(self) -> Lent<ByValue<T>> {
        Lent(self.0.clone())
    }
}

impl<T: Copy> Captured<'_, T> {
    /// A copy for the block, of what is needed beside it, too.
    #[must_use]
    pub fn copied(self) -> T {
        *self.0
    }
}

/// What is needed beside a block that takes it, and is no `Copy`. That this is a mistake is told by the twin; nothing that is compiled to its end calls it.
pub trait NotCopied<T> {
    /// Can't be copied.
    fn copied(self) -> T;
}

impl<T> NotCopied<T> for Captured<'_, T> {
    fn copied(self) -> T {
        const { panic!("a local that was moved into a branch is used again: this is a defect of `#[workflow]`") }
    }
}

/// What a block can save of a local that it takes from around it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be saved with a branch: of what it borrows it takes a copy, which must be `Clone`, `Serialize` and `Deserialize`",
    label = "`{Self}` cannot be saved with a branch"
)]
pub trait Capturable: Saved {}

#[diagnostic::do_not_recommend]
impl<T: Saved> Capturable for T {}

/// The slot of what a block saves of a borrowed local.
#[must_use]
pub fn lent_slot<K: Lend<Owned: Capturable> + 'static>(field: Local) -> SavedSlot<Lent<K>> {
    SavedSlot::of(field)
}

/// How a captured local is saved and given to the block's code.
pub trait Lend {
    /// What is saved.
    type Owned;

    /// What the code uses.
    type Given<'l>
    where
        Self: 'l;

    /// Gives what is saved to the code.
    fn lend(owned: &Self::Owned) -> Self::Given<'_>;
}

/// [`Lend`]s a `&B`.
#[derive(Debug)]
pub struct ByReference<B: ?Sized>(PhantomData<fn(&B)>);

impl<B: ToOwned + ?Sized> Lend for ByReference<B> {
    type Owned = B::Owned;
    type Given<'l>
        = &'l B
    where
        Self: 'l;

    fn lend(owned: &B::Owned) -> &B {
        owned.borrow()
    }
}

/// [`Lend`]s a copy.
#[derive(Debug)]
pub struct ByValue<T>(PhantomData<fn(T)>);

impl<T: Clone> Lend for ByValue<T> {
    type Owned = T;
    type Given<'l>
        = T
    where
        Self: 'l;

    fn lend(owned: &T) -> T {
        owned.clone()
    }
}

/// What a block saves of a local that it took from around it.
#[derive(Debug)]
pub struct Lent<K: Lend>(K::Owned);

impl<K: Lend> Lent<K> {
    /// The local as the block's code uses it.
    pub fn lend(&self) -> K::Given<'_> {
        K::lend(&self.0)
    }
}

impl<K: Lend<Owned: Serialize>> Serialize for Lent<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, K: Lend<Owned: Deserialize<'de>>> Deserialize<'de> for Lent<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        K::Owned::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::{Captured, KeepCopied as _};

    #[test]
    fn a_reference_is_saved_as_what_it_refers_to_and_given_as_a_reference() {
        let (text, items) = ("abc", [1_u8, 2].as_slice());
        let (kept_text, kept_items) = (Captured(&text).keep(), Captured(&items).keep());
        assert_eq!((kept_text.lend(), kept_items.lend()), (text, items));
        assert_eq!(serde_json::to_string(&kept_text).unwrap(), "\"abc\"");
    }

    #[test]
    fn what_is_no_reference_is_given_as_it_was() {
        let number = 7_usize;
        let kept = Captured(&number).keep();
        assert_eq!(kept.lend(), 7_usize);
    }
}
