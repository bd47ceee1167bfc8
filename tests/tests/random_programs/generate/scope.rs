//! Which locals there are and what may be done with each: what rustc's borrow checker will say, kept on the safe side.

mod taken;

use std::collections::BTreeSet;

use super::types::Ty;

/// How a local holds its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holds {
    /// By value.
    Owned,
    /// `&T`, borrowed from the local of that index.
    Shared(usize),
    /// `&mut T`, borrowed from the local of that index.
    Exclusive(usize),
}

/// What is done with a local. One of the first two is written, not both: `#[workflow]` does not split a local that is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Used {
    /// Some block takes fields of it.
    ByFields,
    /// It gets a new value as a whole.
    Assigned,
    Otherwise,
}

/// A local that has been declared.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) name: String,
    pub(crate) ty: Ty,
    pub(crate) holds: Holds,
    pub(crate) mutable: bool,
    /// Whether the program has told rustc the type yet. False for `Vec::new()` and `None` until they are filled.
    pub(crate) known: bool,
    /// Whether it is out of reach: the `async move` block around does not take it.
    sealed: bool,
    used: Used,
    /// How many loops were around the declaration: in a deeper one the local can't be moved away.
    loops: usize,
    /// The paths that have been moved away; `""` is the whole.
    moved: BTreeSet<String>,
    /// How many shared and exclusive borrows of it are in scope.
    shared: usize,
    exclusive: usize,
}

/// A place: a local, or a field below one.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) local: usize,
    pub(crate) path: String,
    pub(crate) ty: Ty,
    name: String,
    is_reference: bool,
}

impl Place {
    /// The place as the receiver of a method, where Rust borrows by itself.
    pub(crate) fn receiver(&self) -> String {
        if self.path.is_empty() { self.name.clone() } else { format!("{}.{}", self.name, self.path) }
    }

    /// The place as a value that is copied or assigned.
    pub(crate) fn value(&self) -> String {
        if self.is_reference { format!("*{}", self.name) } else { self.receiver() }
    }

    /// Whether the place is a local that is itself a reference.
    pub(crate) fn is_bare_reference(&self) -> bool {
        self.is_reference
    }

    /// Whether fields of its local may be used by it: it is one, or has some.
    pub(crate) fn has_parts(&self) -> bool {
        !self.path.is_empty() || !self.ty.fields().is_empty()
    }

    /// A shared reference to the place.
    pub(crate) fn borrowed(&self) -> String {
        if self.is_reference { self.name.clone() } else { format!("&{}", self.receiver()) }
    }
}

/// All locals in scope, and what the expression that is being written holds on to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope {
    locals: Vec<Local>,
    /// How many loops (and labelled blocks, which can be left early too) are around.
    pub(crate) loops: usize,
    /// The locals that the current full expression has read so far: it may not move them any more.
    mentioned: BTreeSet<usize>,
    /// Those to which it holds a reference: it may not change them.
    held: BTreeSet<usize>,
}

/// A point to which a scope can be closed again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark(usize);

impl Scope {
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.locals.len())
    }

    /// Leaves a block: its locals go, and what they borrowed is free again.
    pub(crate) fn close(&mut self, mark: Mark) {
        while self.locals.len() > mark.0 {
            match self.locals.pop().map(|local| local.holds) {
                Some(Holds::Shared(from)) => self.locals[from].shared -= 1,
                Some(Holds::Exclusive(from)) => self.locals[from].exclusive -= 1,
                Some(Holds::Owned) | None => {}
            }
        }
    }

    /// Declares a local.
    pub(crate) fn declare(&mut self, name: &str, ty: Ty, holds: Holds, mutable: bool) -> usize {
        match holds {
            Holds::Shared(from) => self.locals[from].shared += 1,
            Holds::Exclusive(from) => self.locals[from].exclusive += 1,
            Holds::Owned => {}
        }
        self.locals.push(Local {
            name: name.to_owned(),
            ty,
            holds,
            mutable,
            known: true,
            sealed: false,
            used: Used::Otherwise,
            loops: self.loops,
            moved: BTreeSet::new(),
            shared: 0,
            exclusive: 0,
        });
        self.locals.len() - 1
    }

    /// Declares a local whose type rustc can't know yet.
    pub(crate) fn declare_unknown(&mut self, name: &str, ty: Ty) -> usize {
        let local = self.declare(name, ty, Holds::Owned, true);
        self.locals[local].known = false;
        local
    }

    /// Whether a name is that of a local of unknown type.
    pub(crate) fn is_unknown(&self, name: &str) -> bool {
        self.locals.iter().any(|local| local.name == name && !local.known)
    }

    pub(crate) fn make_known(&mut self, local: usize) {
        self.locals[local].known = true;
    }

    /// The locals declared since `mark` whose types are still unknown, so that rustc would complain.
    pub(crate) fn unknown_since(&self, mark: Mark) -> Vec<Place> {
        (mark.0..self.locals.len()).filter(|at| !self.locals[*at].known).map(|at| self.whole(at)).collect()
    }

    /// The local as a place.
    pub(crate) fn whole(&self, local: usize) -> Place {
        let Local { name, ty, holds, .. } = &self.locals[local];
        Place {
            local,
            path: String::new(),
            ty: ty.clone(),
            name: name.clone(),
            is_reference: *holds != Holds::Owned,
        }
    }

    /// Every place whose name means it here, and that was not moved away.
    fn places(&self) -> Vec<Place> {
        let mut places = Vec::new();
        for (at, local) in self.locals.iter().enumerate() {
            let hidden = self.locals[at + 1..].iter().any(|later| later.name == local.name);
            if hidden || local.sealed || !local.known || local.name.starts_with('(') {
                continue;
            }
            let whole = self.whole(at);
            for (path, ty) in local.ty.fields() {
                places.push(Place { path: path.to_owned(), ty, is_reference: false, ..whole.clone() });
            }
            places.push(whole);
        }
        places.retain(|place| !self.locals[place.local].has_moved(&place.path));
        places
    }

    /// The places that can be read or borrowed.
    pub(crate) fn readable(&self, wanted: impl Fn(&Ty) -> bool) -> Vec<Place> {
        let free = |place: &Place| self.locals[place.local].exclusive == 0;
        self.places().into_iter().filter(|place| wanted(&place.ty) && free(place)).collect()
    }

    /// The places that can be changed, or borrowed exclusively.
    pub(crate) fn mutable(&self, wanted: impl Fn(&Ty) -> bool) -> Vec<Place> {
        let free = |place: &Place| {
            let local = &self.locals[place.local];
            let may = match local.holds {
                Holds::Owned => local.mutable,
                Holds::Shared(_) => false,
                Holds::Exclusive(_) => true,
            };
            may && local.exclusive + local.shared == 0 && !self.held.contains(&place.local)
        };
        self.places().into_iter().filter(|place| wanted(&place.ty) && free(place)).collect()
    }

    /// The places that can be moved away.
    pub(crate) fn movable(&self, wanted: impl Fn(&Ty) -> bool) -> Vec<Place> {
        let free = |place: &Place| {
            let local = &self.locals[place.local];
            local.holds == Holds::Owned
                && local.loops == self.loops
                && local.exclusive + local.shared == 0
                && !self.mentioned.contains(&place.local)
        };
        self.places().into_iter().filter(|place| wanted(&place.ty) && free(place)).collect()
    }

    /// The locals that were moved away as a whole and can be given a new value.
    pub(crate) fn refillable(&self) -> Vec<Place> {
        let wanted = |at: &usize| {
            let local = &self.locals[*at];
            let free = local.shared + local.exclusive == 0 && !self.held.contains(at);
            let visible = !self.locals[at + 1..].iter().any(|later| later.name == local.name);
            local.mutable
                && !local.sealed
                && local.used != Used::ByFields
                && local.holds == Holds::Owned
                && local.moved.contains("")
                && free
                && visible
        };
        (0..self.locals.len()).filter(wanted).map(|at| self.whole(at)).collect()
    }

    /// Locals of unknown type, which want to be filled.
    pub(crate) fn fillable(&self) -> Vec<Place> {
        let visible =
            |at: usize| !self.locals[at + 1..].iter().any(|later| later.name == self.locals[at].name);
        let wanted = |at: &usize| {
            !self.locals[*at].known
                && !self.locals[*at].sealed
                && visible(*at)
                && !self.held.contains(at)
                && self.locals[*at].exclusive == 0
        };
        (0..self.locals.len()).filter(wanted).map(|at| self.whole(at)).collect()
    }

    /// Notes that the expression has copied from a place.
    pub(crate) fn mention(&mut self, place: &Place) {
        self.mentioned.insert(place.local);
    }

    /// Notes that the expression holds a reference to a place.
    pub(crate) fn hold(&mut self, place: &Place) {
        self.mention(place);
        self.held.insert(place.local);
    }

    /// Moves a place away.
    pub(crate) fn consume(&mut self, place: &Place) {
        self.mention(place);
        self.locals[place.local].moved.insert(place.path.clone());
    }

    /// Gives a place that was moved away a new value.
    pub(crate) fn refill(&mut self, place: &Place) {
        let local = &mut self.locals[place.local];
        if place.path.is_empty() {
            local.used = Used::Assigned;
        }
        local.moved.retain(|path| !is_at_or_below(path, &place.path));
    }

    /// What the expression around holds on to, to go back to after a statement inside it.
    pub(crate) fn remembered(&self) -> (BTreeSet<usize>, BTreeSet<usize>) {
        (self.mentioned.clone(), self.held.clone())
    }

    /// Goes back to what the expression around held on to.
    pub(crate) fn restore(&mut self, (mentioned, held): (BTreeSet<usize>, BTreeSet<usize>)) {
        self.mentioned = mentioned;
        self.held = held;
    }

    /// What has been moved away so far, of every local.
    pub(crate) fn moves(&self) -> Moves {
        Moves(self.locals.iter().map(|local| local.moved.clone()).collect())
    }

    /// Goes back to an earlier state, for the next branch.
    pub(crate) fn set_moves(&mut self, moves: &Moves) {
        for (local, moved) in self.locals.iter_mut().zip(&moves.0) {
            local.moved.clone_from(moved);
        }
    }

    /// Counts as moved what was moved on another path to the same point.
    pub(crate) fn add_moves(&mut self, moves: &Moves) {
        for (local, moved) in self.locals.iter_mut().zip(&moves.0) {
            local.moved.extend(moved.iter().cloned());
        }
    }
}

/// What was moved away at some point of the program.
#[derive(Clone, Debug)]
pub(crate) struct Moves(Vec<BTreeSet<String>>);

impl Local {
    /// Whether a path can't be used because it, something below it or something above it was moved.
    fn has_moved(&self, path: &str) -> bool {
        self.moved.iter().any(|moved| is_at_or_below(moved, path) || is_at_or_below(path, moved))
    }
}

/// Whether `path` is `above` or one of its fields.
fn is_at_or_below(path: &str, above: &str) -> bool {
    above.is_empty() || path == above || path.strip_prefix(above).is_some_and(|rest| rest.starts_with('.'))
}
