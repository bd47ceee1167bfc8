//! Writes random programs that rustc accepts.
//!
//! The basic idea is as follows: a program is written from the top down, as text, and a [`Scope`] follows along. It
//! knows each local's type, what was moved away and what is borrowed, so that only what the type checker and the borrow
//! checker allow is written; where they would need a closer look, the generator stays on the safe side. Loops are
//! bounded and numbers kept small, so that every program ends and none overflows.
//!
//! The same seed gives the same program.

#![expect(clippy::format_push_string, reason = "code is put together from pieces of code")]

mod blocks;
mod branches;
mod expressions;
mod layout;
mod loops;
mod places;
mod scope;
mod statements;
mod together;
mod types;

use std::collections::BTreeSet;

use fastrand::Rng;

use scope::{Holds, Scope};
use types::{Returns, Ty};

/// A program and the seed that it came from.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    pub(crate) name: String,
    pub(crate) does: Does,
    pub(crate) source: String,
}

/// Whether a program does one thing after the other, or several at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// It is run on snapshots and by hand, at no time.
    OneByOne,
    /// It is run in virtual time.
    Together,
}

impl Does {
    /// What the program of a seed does.
    fn of(seed: u64) -> Self {
        if seed.is_multiple_of(3) { Self::Together } else { Self::OneByOne }
    }
}

/// The inputs of every program: its four parameters.
pub(crate) const INPUTS: [&str; 3] = [
    r#"3, "ab cd".to_owned(), vec![1, 2, 3], order("o", 2).with_coupon("off", 5)"#,
    r#"0, String::new(), Vec::new(), order("z", 0).with_kind(Kind::Gift { message: "hi".to_owned(), wrap: true })"#,
    r#"8, "x".to_owned(), vec![9, 4], order("b", 3).with_kind(Kind::Bulk(2, words("p q")))"#,
];

/// Writes the program of a seed.
pub(crate) fn program(seed: u64) -> Program {
    let mut generator = Generator::new(seed);
    let name = format!("p{seed}");
    let body = generator.body();
    let arrow = generator.returns.arrow();
    let parameters = "a: u64, mut text: String, mut numbers: Vec<u64>, mut sale: Order";
    let source = layout::indent(&format!("#[workflow]\nasync fn {name}({parameters}){arrow} {{\n{body}}}\n"));
    Program { seed, name, does: generator.does, source }
}

/// The state of the writing of one program.
#[expect(clippy::struct_excessive_bools, reason = "each says another thing of the place that is written")]
struct Generator {
    rng: Rng,
    does: Does,
    scope: Scope,
    returns: Returns,
    /// Whether the program may fail, so that what it did is undone.
    can_fail: bool,
    /// Whether this is in an `async` block, whose type nobody has written.
    is_in_block: bool,
    /// The loops around that a `break` or `continue` may name.
    loops: Vec<Loop>,
    /// How many names of their own were given.
    names: usize,
    /// How many statements may still be written.
    fuel: u32,
    /// How long each step takes that takes its time.
    durations: BTreeSet<u64>,
    /// How deep the construct that is being written is nested.
    depth: u32,
    /// Whether an await may stand here: not in a closure.
    may_await: bool,
    /// Whether blocks may stand here: not where the text is an argument of a macro that borrows.
    may_block: bool,
}

/// A loop that can be left with a plain `break`.
#[derive(Clone, Debug)]
struct Loop {
    label: Option<String>,
    /// Whether `break` and `continue` without a label mean this loop here: not from a block in an expression.
    is_near: bool,
}

impl Generator {
    fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let fuel = rng.u32(8..26);
        let returns = match rng.u8(0..8) {
            0 => Returns::Nothing,
            1 => Returns::Plain(Ty::Int),
            2 => Returns::Plain(Ty::Text),
            3 => Returns::Plain(Ty::numbered()),
            4 => Returns::Maybe(Ty::Int),
            5 => Returns::Maybe(Ty::Text),
            6 => Returns::Result(Ty::Int.list()),
            _ => Returns::Result(Ty::Int),
        };
        let mut scope = Scope::default();
        for (name, ty) in
            [("a", Ty::Int), ("text", Ty::Text), ("numbers", Ty::Int.list()), ("sale", Ty::Order)]
        {
            scope.declare(name, ty, Holds::Owned, name != "a");
        }
        Self {
            rng,
            does: Does::of(seed),
            scope,
            can_fail: matches!(returns, Returns::Result(_)),
            is_in_block: false,
            returns,
            loops: vec![],
            names: 0,
            fuel,
            durations: BTreeSet::new(),
            depth: 0,
            may_await: true,
            may_block: true,
        }
    }

    /// The function's statements and its value.
    fn body(&mut self) -> String {
        let mark = self.scope.mark();
        let mut body = String::new();
        while self.fuel > 0 {
            body += &self.statement();
        }
        body += &self.fill_unknown(mark);
        let value = self.returned();
        if !value.is_empty() {
            body += &value;
            body.push('\n');
        }
        body
    }

    /// What the function gives back, as an expression.
    fn returned(&mut self) -> String {
        match self.returns.clone() {
            Returns::Nothing => String::new(),
            Returns::Plain(ty) => self.value(&ty),
            Returns::Result(ty) if self.is_in_block => {
                format!("Ok::<{}, ShopError>({})", ty.name(), self.value(&ty))
            }
            Returns::Result(ty) => format!("Ok({})", self.value(&ty)),
            Returns::Maybe(ty) => format!("Some({})", self.value(&ty)),
        }
    }

    /// True once in `n` times.
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    /// One of several.
    fn pick<T>(&mut self, mut from: Vec<T>) -> Option<T> {
        (!from.is_empty()).then(|| from.swap_remove(self.rng.usize(0..from.len())))
    }

    /// A name for a local. There are few, so that they shadow one another; but a local whose type is still unknown is
    /// not hidden, as it has to be filled later.
    fn name(&mut self) -> &'static str {
        const NAMES: [&str; 9] = ["x", "y", "z", "n", "item", "found", "value", "rest", "state"];
        let free = NAMES.into_iter().filter(|name| !self.scope.is_unknown(name)).collect();
        self.pick(free).unwrap_or("other")
    }

    /// A name that nothing else has.
    fn fresh(&mut self, prefix: &str) -> String {
        self.names += 1;
        format!("{prefix}{}", self.names)
    }
}
