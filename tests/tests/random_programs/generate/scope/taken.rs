//! What an `async move` block takes from around it.

use std::collections::BTreeSet;

use super::{Holds, Place, Scope, Used};

/// Stands for what a block does not take of a local of which it takes fields.
const OTHERS: &str = "(others)";

impl Scope {
    /// What an `async move` block may take: copies, also of borrows of what can be cloned, and what can be moved.
    pub(crate) fn takeable(&self) -> Vec<Place> {
        let mut places = self.readable(|_| true);
        places.retain(|place| match self.locals[place.local].holds {
            Holds::Shared(_) => place.path.is_empty() && place.ty.is_clone(),
            Holds::Exclusive(_) => false,
            Holds::Owned => place.ty.is_copy() || self.may_give(place.local),
        });
        places.retain(|place| !place.has_parts() || self.locals[place.local].used != Used::Assigned);
        places.extend(self.fillable().into_iter().filter(|place| self.may_give(place.local)));
        places
    }

    /// Whether a block may move a local, or a field of it. What the other branches have copied from it is no matter.
    fn may_give(&self, local: usize) -> bool {
        let is_held = self.held.contains(&local);
        let local = &self.locals[local];
        local.loops == self.loops && local.exclusive + local.shared == 0 && !is_held
    }

    /// Gives places to a block. What is in reach there has the names that it has here.
    pub(crate) fn give(&mut self, taken: &[Place]) -> Self {
        let mut inside =
            Self { locals: self.locals.clone(), loops: 0, mentioned: BTreeSet::new(), held: BTreeSet::new() };
        for (at, local) in inside.locals.iter_mut().enumerate() {
            let paths: Vec<&str> =
                taken.iter().filter(|place| place.local == at).map(|place| place.path.as_str()).collect();
            local.sealed = paths.is_empty();
            (local.loops, local.shared, local.exclusive) = (0, 0, 0);
            if !paths.is_empty() && !paths.contains(&"") {
                let others = local.ty.fields().into_iter().map(|(path, _)| path);
                local.moved = others.filter(|path| !paths.contains(path)).map(str::to_owned).collect();
                local.moved.insert(OTHERS.to_owned());
            }
        }
        for place in taken {
            let is_moved = self.locals[place.local].holds == Holds::Owned && !place.ty.is_copy();
            self.locals[place.local].known = true;
            if place.has_parts() {
                self.locals[place.local].used = Used::ByFields;
            }
            if is_moved { self.consume(place) } else { self.mention(place) }
        }
        inside
    }

    /// Learns what became of its locals in a block.
    pub(crate) fn learn(&mut self, inside: &Self) {
        for (local, inner) in self.locals.iter_mut().zip(&inside.locals) {
            local.used = inner.used;
        }
    }
}
