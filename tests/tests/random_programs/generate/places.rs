//! Reading, borrowing and moving what is already there.

use super::{Generator, scope::Place, types::Ty};

impl Generator {
    /// Notes a copy out of a place; inside a macro's arguments that is a borrow.
    pub(crate) fn note_copy(&mut self, place: &Place) {
        if self.may_block { self.scope.mention(place) } else { self.scope.hold(place) }
    }

    /// A value that some place has, moved or cloned; else what `fresh` writes.
    pub(crate) fn kept_or(&mut self, ty: &Ty, fresh: impl FnOnce(&mut Self) -> String) -> String {
        if self.may_block && self.may_await && self.one_in(2) {
            let movable = self.scope.movable(|t| t == ty);
            if let Some(place) = self.pick(movable) {
                self.scope.consume(&place);
                return place.receiver();
            }
        }
        let readable = if ty.is_clone() { self.scope.readable(|t| t == ty) } else { Vec::new() };
        match self.pick(readable) {
            Some(place) => {
                self.note_copy(&place);
                format!("{}.clone()", place.receiver())
            }
            None => fresh(self),
        }
    }

    /// An argument for a `&str`.
    pub(crate) fn text_argument(&mut self) -> String {
        let places = self.scope.readable(|ty| *ty == Ty::Text);
        match self.pick(places) {
            Some(place) if !self.one_in(3) => {
                self.scope.hold(&place);
                place.borrowed()
            }
            _ if self.depth > 4 || self.one_in(2) => format!("\"s{}\"", self.rng.u8(0..9)),
            _ => format!("&{}", self.value(&Ty::Text)),
        }
    }

    /// An argument for a `&[u64]`.
    pub(crate) fn numbers_argument(&mut self) -> String {
        let places = self.scope.readable(|ty| *ty == Ty::Int.list());
        match self.pick(places) {
            Some(place) if !self.one_in(4) => {
                self.scope.hold(&place);
                place.borrowed()
            }
            _ => format!("&{}", self.value(&Ty::Int.list())),
        }
    }
}
