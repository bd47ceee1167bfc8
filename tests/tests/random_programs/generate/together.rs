//! Statements that do several things at once, or within a time. Each step in them takes another prime number of milliseconds, so
//! that no two of them end together, which plain code and the engine might take in another order.

use super::{
    Generator,
    branches::Paths,
    scope::{Holds, Scope},
    types::{Returns, Ty},
};

impl Generator {
    /// Some statement with a form.
    pub(crate) fn form(&mut self) -> String {
        match self.rng.u8(0..8) {
            0 | 1 => self.join(),
            2 => self.join_of_blocks(),
            3 => self.try_join(),
            4 => self.join_all(),
            5 => self.select(),
            6 if matches!(self.returns, Returns::Result(_)) => self.compensate(),
            _ => self.in_time(),
        }
    }

    /// A step that takes its time.
    fn slow(&mut self, step: &str) -> String {
        let n = self.small();
        format!("{step}({n}, {})", self.duration())
    }

    /// A number of milliseconds that no other step of the program takes.
    fn duration(&mut self) -> u64 {
        let is_prime = |n: u64| (2..n).all(|divisor| !n.is_multiple_of(divisor));
        self.durations += 1;
        while !is_prime(self.durations) {
            self.durations += 1;
        }
        self.durations
    }

    /// Declares the locals of a pair of numbers.
    fn pair_of_ints(&mut self) -> String {
        let (a, b) = (self.fresh("left"), self.fresh("right"));
        for name in [&a, &b] {
            self.scope.declare(name, Ty::Int, Holds::Owned, false);
        }
        format!("({a}, {b})")
    }

    fn join(&mut self) -> String {
        let branches = format!("{}, {}", self.slow("slow"), self.slow("slow"));
        format!("let {} = join!({branches});\n", self.pair_of_ints())
    }

    /// Blocks of several statements, which know nothing but what they were given by value.
    fn join_of_blocks(&mut self) -> String {
        let (number, text) = (self.fresh("given"), self.fresh("given"));
        let given =
            format!("let {number} = {};\nlet {text} = {};\n", self.typed_int(), self.value(&Ty::Text));
        let both = self.block_of_its_own(&[(&number, Ty::Int), (&text, Ty::Text)]);
        let is_call = self.one_in(2);
        let beside = if is_call { self.slow("slow") } else { self.block_of_its_own(&[(&number, Ty::Int)]) };
        format!("{given}let {} = join!({both}, {beside});\n", self.pair_of_ints())
    }

    /// An `async move` block that gives a number.
    fn block_of_its_own(&mut self, given: &[(&str, Ty)]) -> String {
        let mut scope = Scope::default();
        for (name, ty) in given {
            scope.declare(name, ty.clone(), Holds::Owned, false);
        }
        let scope = std::mem::replace(&mut self.scope, scope);
        let returns = std::mem::replace(&mut self.returns, Returns::Plain(Ty::Int));
        let loops = std::mem::take(&mut self.loops);
        let fuel = std::mem::replace(&mut self.fuel, 2);
        self.depth += 1;
        let first = self.slow("slow");
        let body = self.body();
        self.depth -= 1;
        (self.scope, self.returns, self.loops, self.fuel) = (scope, returns, loops, fuel);
        format!("async move {{\nlet _ = {first}.await;\n{body}}}")
    }

    fn try_join(&mut self) -> String {
        let branches = format!("{}, {}", self.slow("slow_even"), self.slow("slow_even"));
        let name = self.fresh("tried");
        self.scope.declare(&name, Ty::Int, Holds::Owned, false);
        format!("let {name} = try_join!({branches}).map_or(1, |(a, b)| (a + b) % 1009);\n")
    }

    fn join_all(&mut self) -> String {
        let items = self.value(&Ty::Int.list());
        let limit = if self.one_in(2) { format!(", limit = {}", self.rng.u8(1..4)) } else { String::new() };
        let name = self.fresh("all");
        self.scope.declare(&name, Ty::Int.list(), Holds::Owned, true);
        let ms = self.duration();
        format!("let mut {name} = join_all!(for n in {items} => slow(n, {ms}){limit});\n")
    }

    /// The first of two, each with a handler that may await, in a time or not.
    fn select(&mut self) -> String {
        let (first, second) = (self.slow("slow"), self.slow("slow"));
        let mut paths = Paths::fork(self);
        let mut handler = |this: &mut Self| {
            let value = this.small();
            paths.end(this, false);
            format!("(won + {value}) % 1009")
        };
        let (a, b) = (handler(self), handler(self));
        paths.meet(self);
        let name = self.fresh("won");
        self.scope.declare(&name, Ty::Int, Holds::Owned, false);
        let in_time = if self.one_in(3) { self.until_late() } else { String::new() };
        format!("let {name} = select! {{\nwon = {first} => {a},\nwon = {second} => {b},\n}}{in_time};\n")
    }

    /// A limit on a form whose value is a number.
    fn until_late(&mut self) -> String {
        let limit = self.duration();
        format!(".timeout(std::time::Duration::from_millis({limit})).await.unwrap_or(1)")
    }

    fn in_time(&mut self) -> String {
        let step = self.slow("slow");
        let limit = self.duration().saturating_sub(self.rng.u64(0..9)).max(1);
        let name = self.fresh("timely");
        self.scope.declare(&name, Ty::Flag, Holds::Owned, false);
        format!("let {name} = {step}.timeout(std::time::Duration::from_millis({limit})).await.is_ok();\n")
    }

    /// Pushes what undoes something, whose argument does not await.
    fn compensate(&mut self) -> String {
        let could = std::mem::replace(&mut self.may_await, false);
        let what = self.value(&Ty::Text);
        self.may_await = could;
        format!("compensate!(take_back({what}));\n")
    }
}
