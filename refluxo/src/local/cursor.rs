//! What `for` loops over an await are made of.

use std::{
    collections::{VecDeque, btree_map, btree_set, vec_deque},
    iter, option, slice, str,
};

use serde::{Deserialize, Serialize};

/// How many items a loop has taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(usize);

impl Cursor {
    /// No item taken.
    #[must_use]
    pub const fn start() -> Self {
        Self(0)
    }

    /// The number of items taken.
    #[must_use]
    pub const fn taken(self) -> usize {
        self.0
    }
}

/// An iterator that gives the same items when it is made again from the same place.
///
/// A loop over one saves a [`Cursor`] and makes the iterator again after each await.
#[diagnostic::on_unimplemented(
    message = "a loop with an await in it can't walk over `{Self}`",
    label = "its order may change when the collection is saved and read back",
    note = "collect what the loop needs before it, for instance the keys into a sorted `Vec`"
)]
pub trait Walk: Iterator {}

impl<T> Walk for slice::Iter<'_, T> {}
impl<T> Walk for slice::IterMut<'_, T> {}
impl<T> Walk for slice::Windows<'_, T> {}
impl<T> Walk for slice::Chunks<'_, T> {}
impl<T, const N: usize> Walk for std::array::IntoIter<T, N> {}
impl<T> Walk for option::Iter<'_, T> {}
impl<T> Walk for option::IterMut<'_, T> {}
impl<T> Walk for vec_deque::Iter<'_, T> {}
impl<T> Walk for vec_deque::IterMut<'_, T> {}
impl<K, V> Walk for btree_map::Iter<'_, K, V> {}
impl<K, V> Walk for btree_map::IterMut<'_, K, V> {}
impl<K, V> Walk for btree_map::Keys<'_, K, V> {}
impl<K, V> Walk for btree_map::Values<'_, K, V> {}
impl<K, V> Walk for btree_map::ValuesMut<'_, K, V> {}
impl<T> Walk for btree_set::Iter<'_, T> {}
impl Walk for str::Chars<'_> {}
impl Walk for str::CharIndices<'_> {}
impl Walk for str::Bytes<'_> {}
impl Walk for str::Lines<'_> {}
impl Walk for str::SplitWhitespace<'_> {}
impl Walk for str::Split<'_, char> {}
impl Walk for str::Split<'_, &str> {}
impl<T> Walk for std::ops::Range<T> where Self: Iterator {}
impl<T> Walk for std::ops::RangeInclusive<T> where Self: Iterator {}
impl<T> Walk for std::ops::RangeFrom<T> where Self: Iterator {}
impl<I: Walk> Walk for iter::Enumerate<I> {}
impl<I: Walk> Walk for iter::Rev<I> where Self: Iterator {}
impl<I: Walk, J: Walk> Walk for iter::Zip<I, J> {}
impl<I: Walk> Walk for iter::Skip<I> {}
impl<I: Walk> Walk for iter::Take<I> {}
impl<I: Walk> Walk for iter::StepBy<I> {}
impl<'a, T: 'a + Copy, I: Walk + Iterator<Item = &'a T>> Walk for iter::Copied<I> {}
impl<'a, T: 'a + Clone, I: Walk + Iterator<Item = &'a T>> Walk for iter::Cloned<I> {}

/// Takes the next item of a loop.
pub fn next<I: IntoIterator<IntoIter: Walk>>(items: I, cursor: &mut Cursor) -> Option<I::Item> {
    let item = items.into_iter().nth(cursor.0)?;
    cursor.0 += 1;
    Some(item)
}

/// Takes the present item of a loop again, after an await.
pub fn current<I: IntoIterator<IntoIter: Walk>>(items: I, cursor: &Cursor) -> Option<I::Item> {
    items.into_iter().nth(cursor.0.checked_sub(1)?)
}

/// What an owned iterator had to give when its loop started.
///
/// It is saved as a whole once; the loop's cursor says how much of it is done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remaining<T> {
    /// How many of the items were taken before the first of `items`.
    done: usize,
    items: VecDeque<T>,
}

impl<T> Remaining<T> {
    /// Collects an iterator.
    pub fn new(items: impl IntoIterator<Item = T>) -> Self {
        Self { done: 0, items: items.into_iter().collect() }
    }

    /// Takes the next item.
    pub fn next(&mut self, cursor: &mut Cursor) -> Option<T> {
        let stale = cursor.0.saturating_sub(self.done).min(self.items.len());
        self.items.drain(..stale);
        self.done += stale;
        let item = self.items.pop_front()?;
        self.done += 1;
        cursor.0 += 1;
        Some(item)
    }
}

/// `start..=end`, with the flag that serde's own form loses: whether `end` was given.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inclusive<T> {
    start: T,
    end: T,
    exhausted: bool,
}

impl<T: Clone> Inclusive<T>
where
    std::ops::RangeInclusive<T>: Iterator<Item = T>,
{
    /// A range that has given nothing yet.
    pub fn new(range: std::ops::RangeInclusive<T>) -> Self {
        let (start, end) = range.into_inner();
        Self { start, end, exhausted: false }
    }
}

impl<T: Clone> Iterator for Inclusive<T>
where
    std::ops::RangeInclusive<T>: Iterator<Item = T>,
{
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.exhausted {
            return None;
        }
        let mut range = self.start.clone()..=self.end.clone();
        let item = range.next();
        // The next start is what a range that began here would give second; none means that this was the end.
        match range.next() {
            Some(start) => self.start = start,
            None => self.exhausted = true,
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Inclusive, Remaining};

    #[test]
    fn an_inclusive_range_ends_after_its_end_also_when_it_is_read_back() {
        let mut range = Inclusive::new(254_u8..=255);
        let mut seen = Vec::new();
        while let Some(item) = range.next() {
            seen.push(item);
            range = serde_json::from_str(&serde_json::to_string(&range).unwrap()).unwrap();
        }
        assert_eq!(seen, [254, 255]);
    }

    #[test]
    fn remaining_items_that_were_saved_whole_go_on_at_the_cursor() {
        let mut items = Remaining::new(["a", "b", "c"].map(String::from));
        let saved = serde_json::to_string(&items).unwrap();
        let mut cursor = Cursor::start();
        assert_eq!(items.next(&mut cursor).as_deref(), Some("a"));
        let mut items: Remaining<String> = serde_json::from_str(&saved).unwrap();
        assert_eq!(items.next(&mut cursor).as_deref(), Some("b"));
        assert_eq!(items.next(&mut cursor).as_deref(), Some("c"));
        assert_eq!(items.next(&mut cursor), None);
    }
}
