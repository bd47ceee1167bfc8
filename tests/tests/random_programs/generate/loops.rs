//! Loops of all kinds. Each ends after a few rounds, whatever its body does.

use super::{
    Generator, Loop,
    branches::{Block, Paths},
    scope::{Holds, Place},
    types::Ty,
};

impl Generator {
    /// Some loop.
    pub(crate) fn loop_statement(&mut self) -> String {
        match self.rng.u8(0..9) {
            0 => self.counted_while(),
            1 => self.loop_with_a_value(),
            2 | 3 => self.for_over_a_range(),
            4..=6 => self.for_over_a_place().unwrap_or_else(|| self.for_over_a_range()),
            7 => self.for_over_owned(),
            _ => self.while_let_pop().unwrap_or_else(|| self.for_over_owned()),
        }
    }

    /// A loop's body, whose locals are those that `declare` makes and its own. The label stands in the body's frame.
    fn looped(&mut self, label: Option<&str>, declare: impl FnOnce(&mut Self)) -> Block {
        let before = self.scope.moves();
        let mark = self.scope.mark();
        self.scope.loops += 1;
        declare(self);
        self.loops.push(Loop { label: label.map(str::to_owned), is_near: true });
        let body = self.block_from(mark, true);
        self.loops.pop();
        self.scope.loops -= 1;
        // The body may not have run at all.
        self.scope.add_moves(&before);
        body
    }

    /// A label to jump to, sometimes.
    fn maybe_label(&mut self) -> (Option<String>, String) {
        if self.one_in(3) {
            let label = self.fresh("'l");
            let prefix = format!("{label}: ");
            return (Some(label), prefix);
        }
        (None, String::new())
    }

    /// `while`, with a counter and a condition that may await.
    fn counted_while(&mut self) -> String {
        let counter = self.fresh("i");
        let (label, prefix) = self.maybe_label();
        let rounds = self.rng.u8(1..4);
        let before = self.scope.moves();
        self.scope.loops += 1;
        let condition = self.flag();
        self.scope.loops -= 1;
        self.scope.add_moves(&before);
        let body = self.looped(label.as_deref(), |_| {});
        format!(
            "let mut {counter} = 0;\n{prefix}while {counter} < {rounds} && {condition} {{\n{counter} += 1;\n{}}}\n",
            body.code
        )
    }

    /// `let x = loop { … break value; };`
    fn loop_with_a_value(&mut self) -> String {
        let counter = self.fresh("i");
        let name = self.name();
        let mark = self.scope.mark();
        let loops = self.leave_loops_behind();
        self.scope.loops += 1;
        let body = self.open_block(mark);
        let condition = self.flag();
        let early = self.small();
        let last = self.small();
        self.scope.close(mark);
        self.scope.loops -= 1;
        self.loops = loops;
        self.scope.declare(name, Ty::Int, Holds::Owned, false);
        format!(
            "let mut {counter} = 0;\nlet {name} = loop {{\n{counter} += 1;\n{body}if {condition} {{\nbreak {early};\n}}\nif {counter} > 2 {{\nbreak {last};\n}}\n}};\n"
        )
    }

    fn for_over_a_range(&mut self) -> String {
        let bound = format!("{} % 4", self.operand());
        let low = self.rng.u8(0..2);
        let name = self.name();
        let range = match self.rng.u8(0..6) {
            0 => format!("{low}..={bound}"),
            1 => format!("({low}..{bound}).rev()"),
            2 => format!("({low}..={bound}).rev()"),
            3 => format!("(0..{bound} + 3).step_by(2)"),
            _ => format!("{low}..{bound}"),
        };
        let (label, prefix) = self.maybe_label();
        let body = self.looped(label.as_deref(), |this| {
            this.scope.declare(name, Ty::Int, Holds::Owned, false);
        });
        format!("{prefix}for {name} in {range} {{\n{}}}\n", body.code)
    }

    /// `for` over a borrowed collection, which stays borrowed in the body.
    fn for_over_a_place(&mut self) -> Option<String> {
        let exclusive = self.one_in(4);
        let wanted = |ty: &Ty| matches!(ty, Ty::List(inner) if **inner != Ty::Ticket);
        let places = if exclusive { self.scope.mutable(wanted) } else { self.scope.readable(wanted) };
        let place = self.pick(places)?;
        let Ty::List(inner) = &place.ty else { unreachable!("only lists were asked for") };
        let inner = (**inner).clone();
        let name = self.name();
        let (iterator, is_counted) = self.iterator_over(&place, exclusive);
        let (label, prefix) = self.maybe_label();
        let holds = if exclusive { Holds::Exclusive(place.local) } else { Holds::Shared(place.local) };
        let body = self.looped(label.as_deref(), |this| {
            if is_counted {
                this.scope.declare("at", Ty::Int, Holds::Owned, false);
            }
            this.scope.declare(name, inner, holds, false);
        });
        let pattern = if is_counted { format!("(at, {name})") } else { name.to_owned() };
        let counter = if is_counted { "let at = at as u64;\n" } else { "" };
        Some(format!("{prefix}for {pattern} in {iterator} {{\n{counter}{}}}\n", body.code))
    }

    /// A borrowing iterator, and whether it counts.
    fn iterator_over(&mut self, place: &Place, exclusive: bool) -> (String, bool) {
        let receiver = place.receiver();
        let iter = if exclusive { "iter_mut" } else { "iter" };
        match self.rng.u8(0..7) {
            0 => (format!("{receiver}.{iter}()"), false),
            1 => (format!("{receiver}.{iter}().enumerate()"), true),
            2 => (format!("{receiver}.{iter}().rev()"), false),
            3 => (format!("{receiver}.{iter}().skip(1)"), false),
            4 => (format!("{receiver}.{iter}().take(2).enumerate()"), true),
            _ if !place.is_bare_reference() => {
                (format!("{}{receiver}", if exclusive { "&mut " } else { "&" }), false)
            }
            _ => (format!("{receiver}.{iter}()"), false),
        }
    }

    /// `for` over values that the loop owns.
    fn for_over_owned(&mut self) -> String {
        let inner = if self.one_in(2) { Ty::Int } else { Ty::Text };
        let list = self.value(&inner.clone().list());
        let iterator = match self.rng.u8(0..4) {
            0 => format!("{list}.into_iter().rev()"),
            1 => format!("{list}.into_iter().take(3)"),
            _ => list,
        };
        let name = self.name();
        let mutable = self.one_in(3);
        let (label, prefix) = self.maybe_label();
        let body = self.looped(label.as_deref(), |this| {
            this.scope.declare(name, inner, Holds::Owned, mutable);
        });
        let pattern = if mutable { format!("mut {name}") } else { name.to_owned() };
        format!("{prefix}for {pattern} in {iterator} {{\n{}}}\n", body.code)
    }

    /// `while let Some(x) = list.pop()`. The body may not let the list grow again.
    fn while_let_pop(&mut self) -> Option<String> {
        let lists = self.scope.mutable(|ty| *ty == Ty::Int.list() || *ty == Ty::Text.list());
        let list = self.pick(lists)?;
        let Ty::List(inner) = &list.ty else { unreachable!("only lists were asked for") };
        let inner = (**inner).clone();
        let name = self.name();
        let (label, prefix) = self.maybe_label();
        let paths = Paths::fork(self);
        let body = self.looped(label.as_deref(), |this| {
            // Held like a borrow, under a name that nothing can use, so that the body only reads the list.
            this.scope.declare("(frozen)", Ty::Kind, Holds::Shared(list.local), false);
            this.scope.declare(name, inner, Holds::Owned, false);
        });
        paths.meet(self);
        Some(format!("{prefix}while let Some({name}) = {}.pop() {{\n{}}}\n", list.receiver(), body.code))
    }
}
