//! `async move` blocks that are branches, with what they take from around them.

use super::{
    Generator,
    branches::Paths,
    scope::{Holds, Place, Scope},
    types::{Returns, Ty},
};

/// A branch, and what it gives.
pub(crate) struct Branch {
    pub(crate) code: String,
    pub(crate) gives: Returns,
}

impl Generator {
    /// A block, or a call of a step.
    pub(crate) fn branch(&mut self) -> Branch {
        match self.rng.u8(0..8) {
            0 | 1 => return Branch { code: self.slow("slow"), gives: Returns::Plain(Ty::Int) },
            2 => return Branch { code: self.fragile(), gives: Returns::Result(Ty::Int) },
            _ => {}
        }
        let gives = match self.rng.u8(0..8) {
            0 => Returns::Result(Ty::Int),
            1 => Returns::Maybe(Ty::Int),
            2 => Returns::Plain(Ty::numbered()),
            3 => Returns::Plain(Ty::Int.list()),
            4 => Returns::Plain(Ty::Text),
            5 => self.something_there(),
            _ => Returns::Plain(Ty::Int),
        };
        Branch { code: self.block_of_its_own(gives.clone()), gives }
    }

    /// The type of something that may be moved into a block and out of it.
    fn something_there(&mut self) -> Returns {
        let places = self.scope.takeable().into_iter().filter(|place| place.ty != Ty::Flag).collect();
        Returns::Plain(self.pick(places).map_or(Ty::Int, |place: Place| place.ty))
    }

    /// A block. Its first step takes its time, so that nothing in it coincides with the beginning of other branches.
    pub(crate) fn block_of_its_own(&mut self, gives: Returns) -> String {
        let scope = self.taken_by_a_block();
        self.block_in(scope, gives, |this| format!("let _ = {}.await;\n", this.slow("slow")))
    }

    /// The scope of a block that takes some of what is there.
    fn taken_by_a_block(&mut self) -> Scope {
        let places = self.scope.takeable();
        let is_whole = |place: &Place| place.path.is_empty();
        let (wholes, fields): (Vec<_>, Vec<_>) = places.into_iter().partition(is_whole);
        let mut taken: Vec<Place> = wholes.into_iter().filter(|_| self.one_in(2)).collect();
        let wholes: Vec<usize> = taken.iter().map(|place| place.local).collect();
        let fields = fields.into_iter().filter(|place| !wholes.contains(&place.local));
        taken.extend(fields.filter(|_| self.one_in(4)));
        self.scope.give(&taken)
    }

    /// A block in a scope of its own, with a few of the statements that may still be written.
    fn block_in(&mut self, scope: Scope, gives: Returns, first: impl FnOnce(&mut Self) -> String) -> String {
        let outside = (std::mem::replace(&mut self.scope, scope), std::mem::take(&mut self.loops));
        let could =
            (std::mem::replace(&mut self.may_await, true), std::mem::replace(&mut self.may_block, true));
        let returns = std::mem::replace(&mut self.returns, gives);
        let fuel = self.rng.u32(0..5).min(self.fuel);
        let rest = std::mem::replace(&mut self.fuel, fuel) - fuel;
        let is_in_block = std::mem::replace(&mut self.is_in_block, true);
        self.depth += 1;
        let mut body = first(self);
        for place in self.scope.fillable() {
            body += &self.fill(&place);
        }
        body += &self.body();
        self.depth -= 1;
        (self.is_in_block, self.fuel, self.returns) = (is_in_block, self.fuel + rest, returns);
        (self.may_await, self.may_block) = could;
        let inside = std::mem::replace(&mut self.scope, outside.0);
        self.scope.learn(&inside);
        self.loops = outside.1;
        format!("async move {{\n{body}}}")
    }

    /// Blocks and calls at once.
    pub(crate) fn join_of_blocks(&mut self) -> String {
        let is_limited = self.one_in(4);
        let branches: Vec<Branch> =
            (0..self.rng.u8(2..4)).map(|_| self.limited(is_limited, Self::branch)).collect();
        let codes: Vec<&str> = branches.iter().map(|branch| branch.code.as_str()).collect();
        let form = format!("join!({})", codes.join(", "));
        let names: Vec<String> = branches.iter().map(|_| self.fresh("left")).collect();
        let pattern = names.join(", ");
        if !is_limited {
            return format!("let ({pattern}) = {form};\n{}", self.outputs(&names, &branches));
        }
        let limit = self.limit();
        let mut paths = Paths::fork(self);
        let mark = self.scope.mark();
        let outputs = self.outputs(&names, &branches);
        let then = self.block_from(mark, true);
        paths.end(self, then.diverges);
        paths.end(self, false);
        paths.meet(self);
        format!("if let Ok(({pattern})) = {form}{limit}.await {{\n{outputs}{}}}\n", then.code)
    }

    /// Declares the outputs of branches, with the failures taken off.
    fn outputs(&mut self, names: &[String], branches: &[Branch]) -> String {
        let mut code = String::new();
        for (name, branch) in names.iter().zip(branches) {
            let ty = match (&branch.gives, &self.returns) {
                (Returns::Nothing, _) => continue,
                (Returns::Plain(ty), _) => ty,
                (Returns::Result(ty), Returns::Result(_)) | (Returns::Maybe(ty), Returns::Maybe(_)) => {
                    code += &format!("let {name} = {name}?;\n");
                    ty
                }
                (Returns::Result(ty) | Returns::Maybe(ty), _) => {
                    code += &format!("let {name} = {name}.unwrap_or(7);\n");
                    ty
                }
            };
            self.scope.declare(name, ty.clone(), Holds::Owned, false);
        }
        code
    }

    /// Blocks that may fail.
    pub(crate) fn try_join_of_blocks(&mut self) -> String {
        let is_limited = self.one_in(4);
        let branch = |this: &mut Self| {
            match this.rng.u8(0..8) {
                0 | 1 => {
                    return format!(
                        "slow_divide({}, {} % 3, {})",
                        this.small(),
                        this.operand(),
                        this.duration()
                    );
                }
                2 => return this.fragile(),
                _ => {}
            }
            this.block_of_its_own(Returns::Result(Ty::Int))
        };
        let (a, b) = (self.limited(is_limited, branch), self.limited(is_limited, branch));
        let form = format!("try_join!({a}, {b})");
        let name = self.fresh("tried");
        if is_limited {
            self.scope.declare(&name, Ty::Flag, Holds::Owned, false);
            return format!("let {name} = {form}{}.await.is_ok_and(|tried| tried.is_ok());\n", self.limit());
        }
        let goes_on = matches!(self.returns, Returns::Result(_)) && self.one_in(2);
        let end = if goes_on { "?.0" } else { ".map_or(1, |(a, b)| (a + b) % 1009)" };
        self.scope.declare(&name, Ty::Int, Holds::Owned, false);
        format!("let {name} = {form}{end};\n")
    }

    /// A block for each item, which it may take.
    pub(crate) fn join_all_of_blocks(&mut self) -> String {
        let is_limited = self.one_in(4);
        let lists = self.scope.readable(|ty| *ty == Ty::Int.list() || *ty == Ty::Text.list());
        let place = self.pick(lists).filter(|_| self.one_in(2));
        let ty = place.as_ref().map_or_else(
            || if self.one_in(2) { Ty::Int } else { Ty::Text },
            |place| if place.ty == Ty::Int.list() { Ty::Int } else { Ty::Text },
        );
        let items = if let Some(place) = &place {
            format!("{}.iter()", place.receiver())
        } else {
            let list = ty.clone().list();
            format!("{}.into_iter()", self.limited(is_limited, |this| this.value(&list)))
        };
        let mark = self.scope.mark();
        self.scope.loops += 1;
        let name = self.name();
        let holds = place.as_ref().map_or(Holds::Owned, |place| Holds::Shared(place.local));
        let is_mutable = place.is_none() && self.one_in(3);
        self.scope.declare(name, ty, holds, is_mutable);
        let before = if self.can_fail && self.one_in(4) { self.compensate() } else { String::new() };
        let gives = if self.one_in(2) { Ty::Int } else { Ty::Text };
        let (ms, more) = (self.duration(), self.duration());
        let scope = self.taken_by_a_block();
        // Each begins its second step at another time.
        let block = self.block_in(scope, Returns::Plain(gives.clone()), |_| {
            format!("let _ = slow(nth as u64, {ms} + {more} * nth as u64).await;\n")
        });
        self.scope.loops -= 1;
        self.scope.close(mark);
        let mutable = if is_mutable { "mut " } else { "" };
        let at_once = if self.one_in(3) { format!(", limit = {}", self.rng.u8(1..4)) } else { String::new() };
        let end =
            if is_limited { format!("{}.await.unwrap_or_default()", self.limit()) } else { String::new() };
        let all = self.fresh("all");
        self.scope.declare(&all, gives.list(), Holds::Owned, true);
        let branch = if before.is_empty() { block } else { format!("{{\n{before}{block}\n}}") };
        format!(
            "let mut {all} = join_all!(for (nth, {mutable}{name}) in {items}.enumerate() => {branch}{at_once}){end};\n"
        )
    }

    /// Writes an operand of a form. One with a limit awaits nothing in its arguments: plain code would count that, too.
    pub(crate) fn limited<T>(&mut self, is_limited: bool, write: impl FnOnce(&mut Self) -> T) -> T {
        let could = (self.may_await, self.may_block);
        if is_limited {
            (self.may_await, self.may_block) = (false, false);
        }
        let written = write(self);
        (self.may_await, self.may_block) = could;
        written
    }

    /// A limit that may be over.
    fn limit(&mut self) -> String {
        format!(".timeout(std::time::Duration::from_millis({}))", self.duration())
    }
}
