//! Statements.

use super::{
    Does, Generator,
    branches::Paths,
    scope::{Holds, Mark, Place},
    types::Ty,
};

impl Generator {
    /// A statement, or a few that belong together. Inside an expression it does not disturb what that holds on to.
    pub(crate) fn statement(&mut self) -> String {
        if self.fuel == 0 {
            return "tick().await;\n".to_owned();
        }
        self.fuel -= 1;
        let outside = self.scope.remembered();
        let code = if self.depth < 4 && self.one_in(2) { self.construct() } else { self.simple_statement() };
        self.scope.restore(outside);
        code
    }

    /// A statement with blocks of its own.
    fn construct(&mut self) -> String {
        match self.rng.u8(0..12) {
            0 | 1 => self.if_statement(),
            2 => self.if_let(),
            3 => self.match_over_a_place().unwrap_or_else(|| self.match_result()),
            4 => self.if_let_over_a_place().unwrap_or_else(|| self.if_let()),
            5 => self.match_result(),
            6 => self.plain_block(),
            7 => self.late_initialization(),
            _ => self.loop_statement(),
        }
    }

    fn simple_statement(&mut self) -> String {
        if self.does == Does::Together && self.may_await && self.one_in(3) {
            return self.form();
        }
        let emptied = self.scope.refillable();
        if let Some(place) = self.pick(emptied)
            && self.one_in(3)
        {
            return self.refill(&place);
        }
        match self.rng.u8(0..20) {
            0..=3 => self.let_value(),
            4 | 5 => self.let_unknown(),
            6 | 7 => self.assignment(),
            8 | 9 => self.push(),
            10 => self.let_else(),
            11 => self.let_borrow(),
            12 => self.let_destructured(),
            13 => self.let_closure(),
            14 => self.compound_assignment(),
            15 => self.let_moved_part(),
            16 => format!("log({}).await;\n", self.text_argument()),
            17 => format!("sleep(std::time::Duration::from_millis({})).await;\n", self.small()),
            18 => self.assertion(),
            _ => format!("let _ = {};\n", self.small()),
        }
    }

    /// An assertion that holds; its message is not evaluated.
    fn assertion(&mut self) -> String {
        let could = std::mem::replace(&mut self.may_block, false);
        let (value, message) = (self.operand(), self.small());
        self.may_block = could;
        format!("assert!({value} < 10_000, \"{{}}\", {message});\n")
    }

    fn let_value(&mut self) -> String {
        let types = vec![
            Ty::Int,
            Ty::Int,
            Ty::Flag,
            Ty::Text,
            Ty::Ticket,
            Ty::Order,
            Ty::Int.list(),
            Ty::Text.list(),
            Ty::Int.maybe(),
            Ty::Text.maybe(),
            Ty::Ticket.maybe(),
            Ty::numbered(),
            Ty::Kind,
        ];
        let ty = self.pick(types).unwrap_or(Ty::Int);
        let value = self.value(&ty);
        let name = self.name();
        let mutable = self.one_in(2);
        self.scope.declare(name, ty, Holds::Owned, mutable);
        format!("let {}{name} = {value};\n", if mutable { "mut " } else { "" })
    }

    /// A local whose type rustc learns later.
    fn let_unknown(&mut self) -> String {
        let name = self.name();
        let inner = if self.one_in(2) { Ty::Int } else { Ty::Text };
        if self.one_in(3) {
            self.scope.declare_unknown(name, inner.maybe());
            return format!("let mut {name} = None;\n");
        }
        self.scope.declare_unknown(name, inner.list());
        format!("let mut {name} = Vec::new();\n")
    }

    /// Tells rustc the types of those that are declared since `mark` and still unknown.
    pub(crate) fn fill_unknown(&mut self, mark: Mark) -> String {
        let mut code = String::new();
        for place in self.scope.unknown_since(mark) {
            code += &self.fill(&place);
        }
        code
    }

    /// Gives a local of unknown type its first content; an option perhaps none, so that its `None` counts.
    pub(crate) fn fill(&mut self, place: &Place) -> String {
        self.scope.hold(place);
        let (Ty::List(inner) | Ty::Maybe(inner)) = &place.ty else {
            unreachable!("only these are declared unknown")
        };
        let is_list = matches!(place.ty, Ty::List(_));
        let condition = if is_list { String::new() } else { self.flag() };
        let before = self.scope.moves();
        let value = if **inner == Ty::Int { self.typed_int() } else { self.value(inner) };
        self.scope.add_moves(&before);
        self.scope.make_known(place.local);
        if is_list {
            format!("{}.push({value});\n", place.receiver())
        } else {
            // Read once more, since what is only written is nobody's program.
            let name = place.receiver();
            format!(
                "if {condition} {{\n{name} = Some({value});\n}}\nlog(&format!(\"{{{name}:?}}\")).await;\n"
            )
        }
    }

    fn push(&mut self) -> String {
        let fillable = self.scope.fillable();
        if let Some(place) = self.pick(fillable) {
            return self.fill(&place);
        }
        let lists =
            self.scope.mutable(|ty| *ty == Ty::Int.list() || *ty == Ty::Text.list() || *ty == Ty::Text);
        let Some(place) = self.pick(lists) else { return self.let_value() };
        self.scope.hold(&place);
        let receiver = place.receiver();
        let grown = match &place.ty {
            Ty::List(inner) => format!("{receiver}.push({});\n", self.value(&inner.clone())),
            _ => format!("{receiver}.push_str({});\n", self.argument_apart_from(&place)),
        };
        grown + &self.kept_short(&place)
    }

    /// A text that does not borrow from a place: Rust evaluates it while the place is reserved for a change.
    fn argument_apart_from(&mut self, place: &Place) -> String {
        let mark = self.scope.mark();
        self.scope.declare("(reserved)", Ty::Kind, Holds::Exclusive(place.local), false);
        let argument = self.text_argument();
        self.scope.close(mark);
        argument
    }

    /// What is changed in a loop may grow with each round, or double: keeps it short.
    fn kept_short(&self, place: &Place) -> String {
        if self.scope.loops == 0 { String::new() } else { format!("{}.truncate(12);\n", place.receiver()) }
    }

    fn assignment(&mut self) -> String {
        let wanted = |ty: &Ty| match ty {
            Ty::Int | Ty::Flag | Ty::Text | Ty::Ticket => true,
            Ty::List(inner) | Ty::Maybe(inner) => **inner == Ty::Int,
            _ => false,
        };
        let places = self.scope.mutable(wanted);
        let Some(place) = self.pick(places) else { return self.let_value() };
        if place.ty == Ty::Ticket {
            return replacement(&place);
        }
        let value = self.value(&place.ty.clone());
        // The value may have moved the place, or a whole of which it is a part.
        if !self.scope.mutable(wanted).iter().any(|p| p.local == place.local && p.path == place.path) {
            let name = self.name();
            self.scope.declare(name, place.ty, Holds::Owned, false);
            return format!("let {name} = {value};\n");
        }
        let mut code = format!("{} = {value};\n", place.value());
        if matches!(place.ty, Ty::Text | Ty::List(_)) {
            code += &self.kept_short(&place);
        }
        code
    }

    /// Gives what was moved away a new value.
    fn refill(&mut self, place: &Place) -> String {
        let value = self.value(&place.ty);
        self.scope.refill(place);
        format!("{} = {value};\n", place.receiver())
    }

    fn compound_assignment(&mut self) -> String {
        let places = self.scope.mutable(|ty| *ty == Ty::Int);
        let Some(place) = self.pick(places) else { return self.let_value() };
        let value = self.small();
        if !self
            .scope
            .mutable(|ty| *ty == Ty::Int)
            .iter()
            .any(|p| p.local == place.local && p.path == place.path)
        {
            return format!("let _ = {value};\n");
        }
        format!("{0} += {value};\n{0} %= 1009;\n", place.value())
    }

    /// A borrow that stays in scope until its block ends.
    fn let_borrow(&mut self) -> String {
        let exclusive = self.one_in(3);
        let all = |_: &Ty| true;
        let places = if exclusive { self.scope.mutable(all) } else { self.scope.readable(all) };
        let places = places.into_iter().filter(|place| !place.is_bare_reference()).collect();
        let Some(place) = self.pick(places) else { return self.let_value() };
        let name = self.name();
        let holds = if exclusive { Holds::Exclusive(place.local) } else { Holds::Shared(place.local) };
        let and = if exclusive { "&mut " } else { "&" };
        let code = format!("let {name} = {and}{};\n", place.receiver());
        self.scope.declare(name, place.ty, holds, false);
        code
    }

    /// A pair taken apart.
    fn let_destructured(&mut self) -> String {
        let value = self.value(&Ty::numbered());
        let (a, b) = (self.name(), self.name());
        if a == b {
            self.scope.declare(a, Ty::Text, Holds::Owned, false);
            return format!("let (_, {a}) = {value};\n");
        }
        self.scope.declare(a, Ty::Int, Holds::Owned, true);
        self.scope.declare(b, Ty::Text, Holds::Owned, false);
        format!("let (mut {a}, {b}) = {value};\n")
    }

    /// A closure, used before the next await.
    fn let_closure(&mut self) -> String {
        let could =
            (std::mem::replace(&mut self.may_await, false), std::mem::replace(&mut self.may_block, false));
        let mark = self.scope.mark();
        self.scope.declare("k", Ty::Int, Holds::Owned, false);
        let body = self.small();
        self.scope.close(mark);
        let argument = self.small();
        (self.may_await, self.may_block) = could;
        let name = self.name();
        self.scope.declare(name, Ty::Int, Holds::Owned, false);
        format!("let scale = |k: u64| (k + {body}) % 1009;\nlet {name} = scale({argument}) + scale(2);\n")
    }

    /// Moves a field, or the whole, to a new local.
    fn let_moved_part(&mut self) -> String {
        let places = self.scope.movable(|ty| !ty.is_copy());
        let Some(place) = self.pick(places) else { return self.let_value() };
        self.scope.consume(&place);
        let name = self.name();
        self.scope.declare(name, place.ty.clone(), Holds::Owned, true);
        format!("let mut {name} = {};\n", place.receiver())
    }

    fn plain_block(&mut self) -> String {
        let block = self.block_from(self.scope.mark(), false);
        format!("{{\n{}}}\n", block.code)
    }

    /// `let x;`, given its value on each of two paths.
    fn late_initialization(&mut self) -> String {
        // A name of its own: until it is declared, an outer local of that name could be meant.
        let name = self.fresh("late");
        let ty = if self.one_in(2) { Ty::Int } else { Ty::Text };
        let condition = self.flag();
        let mut paths = Paths::fork(self);
        let mark = self.scope.mark();
        let before = self.open_block(mark);
        let yes = self.value(&ty);
        self.scope.close(mark);
        paths.end(self, false);
        let no = self.value(&ty);
        paths.end(self, false);
        paths.meet(self);
        self.scope.declare(&name, ty, Holds::Owned, false);
        format!("let {name};\nif {condition} {{\n{before}{name} = {yes};\n}} else {{\n{name} = {no};\n}}\n")
    }
}

/// Uses a value up and puts another in its place.
fn replacement(place: &Place) -> String {
    if place.path.is_empty() && !place.is_bare_reference() {
        return format!("{0} = upgrade({0}).await;\n", place.receiver());
    }
    format!("{} = issue(1).await;\n", place.value())
}
