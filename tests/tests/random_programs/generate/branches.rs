//! Blocks, `if` and `match`: as statements, and where a value is wanted.

use super::{
    Generator, Loop,
    scope::{Holds, Mark, Moves, Place},
    types::Ty,
};

/// Follows what is moved away on each of several paths that meet again.
pub(crate) struct Paths {
    start: Moves,
    ends: Vec<Moves>,
}

impl Paths {
    pub(crate) fn fork(generator: &Generator) -> Self {
        Self { start: generator.scope.moves(), ends: Vec::new() }
    }

    /// Ends one path and goes back to the fork. A path that diverges does not meet the others.
    pub(crate) fn end(&mut self, generator: &mut Generator, diverges: bool) {
        if !diverges {
            self.ends.push(generator.scope.moves());
        }
        generator.scope.set_moves(&self.start);
    }

    /// Goes on where the paths meet.
    pub(crate) fn meet(self, generator: &mut Generator) {
        for end in &self.ends {
            generator.scope.add_moves(end);
        }
    }
}

/// A block's code between its braces.
pub(crate) struct Block {
    pub(crate) code: String,
    pub(crate) diverges: bool,
}

impl Generator {
    /// The first statements of a block that goes on: its locals, which begin at `mark`, stay in scope.
    pub(crate) fn open_block(&mut self, mark: Mark) -> String {
        self.depth += 1;
        let mut code = String::new();
        for _ in 0..self.rng.u8(1..4) {
            code += &self.statement();
        }
        code += &self.fill_unknown(mark);
        self.depth -= 1;
        code
    }

    /// A block, and perhaps a jump out of it at the end. Its locals, which begin at `mark`, are gone after it.
    pub(crate) fn block_from(&mut self, mark: Mark, may_jump: bool) -> Block {
        let mut code = self.open_block(mark);
        let jump = if may_jump && self.one_in(6) { self.jump() } else { String::new() };
        code += &jump;
        self.scope.close(mark);
        Block { code, diverges: !jump.is_empty() }
    }

    pub(crate) fn block(&mut self) -> Block {
        self.block_from(self.scope.mark(), true)
    }

    /// Statements and a value, between braces.
    fn valued_block(&mut self, ty: &Ty) -> String {
        let mark = self.scope.mark();
        let loops = self.leave_loops_behind();
        let mut code = String::from("{\n");
        for _ in 0..self.rng.u8(0..3) {
            code += &self.statement();
        }
        code += &self.fill_unknown(mark);
        // The value may stay borrowed or moved when the block is left, so it counts for the expression around.
        let value = self.value(ty);
        code += &format!("{value}\n}}");
        self.scope.close(mark);
        self.loops = loops;
        code
    }

    /// A block where a value is wanted.
    pub(crate) fn block_with_value(&mut self, ty: &Ty) -> String {
        if self.fuel < 2 || self.depth > 4 {
            return self.value(ty);
        }
        if !self.one_in(4) {
            return self.valued_block(ty);
        }
        self.labelled_block(ty)
    }

    /// A block that can be left early with a value.
    fn labelled_block(&mut self, ty: &Ty) -> String {
        let label = self.fresh("'l");
        self.scope.loops += 1;
        let mark = self.scope.mark();
        let loops = self.leave_loops_behind();
        // In parentheses, since a labelled block may not follow `break` as it is.
        let mut code = format!("({label}: {{\n");
        code += &self.statement();
        let condition = self.flag();
        let early = self.value(ty);
        // From here a path leads to the end of the block.
        let leaving = self.scope.moves();
        code += &format!("if {condition} {{\nbreak {label} {early};\n}}\n");
        code += &self.statement();
        code += &self.fill_unknown(mark);
        let value = self.value(ty);
        code += &format!("{value}\n}})");
        self.scope.close(mark);
        self.scope.add_moves(&leaving);
        self.loops = loops;
        self.scope.loops -= 1;
        code
    }

    /// `if … {} else {}` as a value.
    pub(crate) fn if_with_value(&mut self, ty: &Ty) -> String {
        let condition = self.flag();
        let mut paths = Paths::fork(self);
        let yes = self.value(ty);
        paths.end(self, false);
        let no = self.value(ty);
        paths.end(self, false);
        paths.meet(self);
        format!("if {condition} {{ {yes} }} else {{ {no} }}")
    }

    /// `match` on a number as a value.
    pub(crate) fn match_with_value(&mut self, ty: &Ty) -> String {
        let scrutinee = self.small();
        let guard = self.rng.u64(3..9);
        let mut paths = Paths::fork(self);
        let mut arms = Vec::new();
        for pattern in
            ["0 | 2".to_owned(), format!("k if k < {guard}"), "k @ 9..=20".to_owned(), "_".to_owned()]
        {
            let mark = self.scope.mark();
            if pattern.starts_with('k') {
                self.scope.declare("k", Ty::Int, Holds::Owned, false);
            }
            arms.push(format!("{pattern} => {},\n", self.value(ty)));
            self.scope.close(mark);
            paths.end(self, false);
        }
        paths.meet(self);
        format!("match {scrutinee} {{\n{}}}", arms.concat())
    }

    /// `if`, `else if`, `else` as a statement.
    pub(crate) fn if_statement(&mut self) -> String {
        let condition = self.flag();
        let mut paths = Paths::fork(self);
        let then = self.block();
        paths.end(self, then.diverges);
        let mut code = format!("if {condition} {{\n{}}}", then.code);
        if self.one_in(3) {
            // The second condition is evaluated on the way to what follows, so its moves count there.
            let condition = self.conditional_condition();
            let then = self.block();
            paths.end(self, then.diverges);
            code += &format!(" else if {condition} {{\n{}}}", then.code);
        }
        if self.one_in(2) {
            let otherwise = self.block();
            paths.end(self, otherwise.diverges);
            code += &format!(" else {{\n{}}}", otherwise.code);
        } else {
            paths.end(self, false);
        }
        paths.meet(self);
        code + "\n"
    }

    /// A condition that moves nothing, so that it may be written on one of several paths.
    fn conditional_condition(&mut self) -> String {
        let could = std::mem::replace(&mut self.may_block, false);
        let code = self.flag();
        self.may_block = could;
        code
    }

    /// `if let Some(x) = …`, with or without a chain and an `else`.
    pub(crate) fn if_let(&mut self) -> String {
        let inner = if self.one_in(2) { Ty::Int } else { Ty::Text };
        let scrutinee = self.value(&inner.clone().maybe());
        let name = self.name();
        let mut paths = Paths::fork(self);
        let mark = self.scope.mark();
        self.scope.declare(name, inner, Holds::Owned, false);
        let chain =
            if self.one_in(3) { format!(" && {}", self.conditional_condition()) } else { String::new() };
        let then = self.block_from(mark, true);
        paths.end(self, then.diverges);
        let otherwise =
            if self.one_in(2) { self.block() } else { Block { code: String::new(), diverges: false } };
        paths.end(self, otherwise.diverges);
        paths.meet(self);
        format!(
            "if let Some({name}) = {scrutinee}{chain} {{\n{}}} else {{\n{}}}\n",
            then.code, otherwise.code
        )
    }

    /// `match` on a `Result`.
    pub(crate) fn match_result(&mut self) -> String {
        let scrutinee = format!("divide({}, {} % 2).await", self.small(), self.operand());
        let name = self.name();
        let mut paths = Paths::fork(self);
        let mark = self.scope.mark();
        self.scope.declare(name, Ty::Int, Holds::Owned, false);
        let good = self.block_from(mark, true);
        paths.end(self, good.diverges);
        let bad = self.block();
        paths.end(self, bad.diverges);
        paths.end(self, false);
        paths.meet(self);
        let arms = [
            format!("Ok({name}) => {{\n{}}}\n", good.code),
            format!("Err(BankError {{ code: 0 }}) => {{\n{}}}\n", bad.code),
            "Err(other) => log(&other.to_string()).await,\n".to_owned(),
        ];
        format!("match {scrutinee} {{\n{}}}\n", arms.concat())
    }

    /// `match &place { … }` on an enum, whose bindings are borrows.
    pub(crate) fn match_over_a_place(&mut self) -> Option<String> {
        let exclusive = self.one_in(3);
        let wanted = |ty: &Ty| *ty == Ty::Kind;
        let places = if exclusive { self.scope.mutable(wanted) } else { self.scope.readable(wanted) };
        let place = self.pick(places)?;
        let and = if exclusive { "&mut " } else { "&" };
        let mut paths = Paths::fork(self);
        let gift = self.arm(&place, exclusive, &[("message", Ty::Text), ("wrap", Ty::Flag)], &mut paths);
        let bulk = self.arm(&place, exclusive, &[("names", Ty::Text.list())], &mut paths);
        let standard = self.arm(&place, exclusive, &[], &mut paths);
        paths.meet(self);
        Some(format!(
            "match {and}{} {{\nKind::Gift {{ message, wrap }} => {{\n{gift}}}\nKind::Bulk(_, names) => {{\n{bulk}}}\nKind::Standard => {{\n{standard}}}\n}}\n",
            place.receiver()
        ))
    }

    /// One arm over a place: its bindings borrow from it.
    fn arm(&mut self, place: &Place, exclusive: bool, bindings: &[(&str, Ty)], paths: &mut Paths) -> String {
        let mark = self.scope.mark();
        let holds = if exclusive { Holds::Exclusive(place.local) } else { Holds::Shared(place.local) };
        for (name, ty) in bindings {
            self.scope.declare(name, ty.clone(), holds, false);
        }
        let arm = self.block_from(mark, true);
        paths.end(self, arm.diverges);
        arm.code
    }

    /// `if let Some(x) = &place`, with or without `mut`.
    pub(crate) fn if_let_over_a_place(&mut self) -> Option<String> {
        let exclusive = self.one_in(3);
        let wanted = |ty: &Ty| matches!(ty, Ty::Maybe(inner) if **inner != Ty::Ticket);
        let places = if exclusive { self.scope.mutable(wanted) } else { self.scope.readable(wanted) };
        let place = self.pick(places)?;
        let Ty::Maybe(inner) = &place.ty else { unreachable!("only options were asked for") };
        let name = self.name();
        let and = if exclusive { "&mut " } else { "&" };
        let mut paths = Paths::fork(self);
        let bindings = [(name, (**inner).clone())];
        let then = self.arm(&place, exclusive, &bindings, &mut paths);
        paths.end(self, false);
        paths.meet(self);
        Some(format!("if let Some({name}) = {and}{} {{\n{then}}}\n", place.receiver()))
    }

    /// `let Some(x) = … else { … };`
    pub(crate) fn let_else(&mut self) -> String {
        let inner = if self.one_in(2) { Ty::Int } else { Ty::Text };
        let value = self.value(&inner.clone().maybe());
        let mut paths = Paths::fork(self);
        let jump = self.jump();
        paths.end(self, true);
        let name = self.name();
        self.scope.declare(name, inner, Holds::Owned, false);
        format!("let Some({name}) = {value} else {{\n{jump}}};\n")
    }

    /// Makes the loops around reachable by their labels only, as they are from a block in an expression. Gives back what
    /// they were.
    pub(crate) fn leave_loops_behind(&mut self) -> Vec<Loop> {
        let before = self.loops.clone();
        for around in &mut self.loops {
            around.is_near = false;
        }
        before
    }

    /// Leaves a loop or the function.
    pub(crate) fn jump(&mut self) -> String {
        let around = self.loops.clone();
        if let Some(target) = self.pick(around)
            && !self.one_in(4)
        {
            let word = if self.one_in(2) { "break" } else { "continue" };
            match target.label {
                Some(label) => return format!("{word} {label};\n"),
                None if self.loops.last().is_some_and(|last| last.is_near) => return format!("{word};\n"),
                None => {}
            }
        }
        let value = self.returned();
        if value.is_empty() { "return;\n".to_owned() } else { format!("return {value};\n") }
    }
}
