//! Statements that do several things at once, or within a time. Each step in them takes another time, so long that hardly two of them
//! end together, which plain code and the engine might take in another order.

use super::{
    Generator,
    branches::Paths,
    scope::Holds,
    types::{Returns, Ty},
};

impl Generator {
    /// Some statement with a form.
    pub(crate) fn form(&mut self) -> String {
        match self.rng.u8(0..19) {
            0 => self.join(),
            1..=4 => self.join_of_blocks(),
            5 => self.try_join(),
            6 | 7 => self.try_join_of_blocks(),
            8 => self.join_all(),
            9 | 10 => self.join_all_of_blocks(),
            11 | 12 => self.select(),
            13 | 14 if self.can_fail => self.compensate(),
            15 => self.child(),
            16 => self.spawn(),
            17 => self.until(),
            _ => self.in_time(),
        }
    }

    /// A step that takes its time.
    pub(crate) fn slow(&mut self, step: &str) -> String {
        let n = self.small();
        format!("{step}({n}, {})", self.duration())
    }

    /// A number of milliseconds that nothing else in the program takes.
    pub(crate) fn duration(&mut self) -> u64 {
        loop {
            let ms = self.rng.u64(1..100_000);
            if self.durations.insert(ms) {
                return ms;
            }
        }
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
        let branch = |this: &mut Self| {
            if this.one_in(2) { this.slow("slow") } else { this.block_of_its_own(Returns::Plain(Ty::Int)) }
        };
        let (first, second) = (branch(self), branch(self));
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
        let step = if self.one_in(3) { self.fragile() } else { self.slow("slow") };
        let limit = self.duration();
        let name = self.fresh("timely");
        self.scope.declare(&name, Ty::Flag, Holds::Owned, false);
        format!("let {name} = {step}.timeout(std::time::Duration::from_millis({limit})).await.is_ok();\n")
    }

    /// A call of a child that may fail, and undoes what it did.
    pub(crate) fn fragile(&mut self) -> String {
        format!("fragile({}, {}, {})", self.small(), self.duration(), self.duration())
    }

    /// Waits for a child.
    fn child(&mut self) -> String {
        let child = self.fragile();
        let name = self.fresh("child");
        self.scope.declare(&name, Ty::Int, Holds::Owned, false);
        let goes_on = matches!(self.returns, Returns::Result(_)) && self.one_in(2);
        let end = if goes_on { "?" } else { ".unwrap_or(5)" };
        format!("let {name} = {child}.await{end};\n")
    }

    /// Has a child go its own way.
    fn spawn(&mut self) -> String {
        format!("let _ = spawn({}).await;\n", self.fragile())
    }

    /// Waits for a time, which may have passed.
    fn until(&mut self) -> String {
        // By its path, since a local may be called like the function.
        format!("sleep_until(refluxo_tests::concurrent::at({})).await;\n", 3 * self.duration())
    }

    /// Pushes what undoes something, whose argument does not await.
    pub(crate) fn compensate(&mut self) -> String {
        let movable = self.scope.movable(|ty| *ty == Ty::Text);
        let moved = self.pick(movable).filter(|_| self.one_in(2));
        let what = if let Some(place) = moved {
            self.scope.consume(&place);
            place.receiver()
        } else {
            self.limited(true, |this| this.value(&Ty::Text))
        };
        if self.one_in(4) {
            return format!(
                "compensate!(fragile({what}.len() as u64, {}, {}));\n",
                self.duration(),
                self.duration()
            );
        }
        format!("compensate!(take_back({what}));\n")
    }
}
