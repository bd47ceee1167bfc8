//! Expressions of each type, with awaits wherever they may stand.

use super::{Generator, types::Ty};

/// A number's code and the largest value that it can have.
pub(crate) struct Int {
    pub(crate) code: String,
    max: u64,
}

/// Locals and fields are never larger.
const KEPT_MAX: u64 = 9_999;

impl Int {
    fn new(code: impl Into<String>, max: u64) -> Self {
        Self { code: code.into(), max }
    }

    /// The same, small enough to be kept.
    fn small(self) -> String {
        if self.max <= KEPT_MAX { self.code } else { format!("{} % 1009", in_parentheses(&self.code)) }
    }

    /// In parentheses, so that it can stand beside an operator.
    fn closed(self) -> Self {
        Self { code: in_parentheses(&self.code), ..self }
    }
}

impl Generator {
    /// A value of any type.
    pub(crate) fn value(&mut self, ty: &Ty) -> String {
        self.depth += 1;
        let code = match ty {
            Ty::Int => self.int().small(),
            Ty::Flag => self.flag(),
            Ty::Text => self.text(),
            Ty::Ticket => self.ticket(),
            Ty::Order => self.order(),
            Ty::Item => format!("Item {{ sku: {}, qty: 2, price: {} }}", self.text(), self.small()),
            Ty::Coupon => format!("Coupon {{ code: {}, percent: {} }}", self.text(), self.small()),
            Ty::Kind => self.kind(),
            Ty::List(inner) => self.list(inner),
            Ty::Maybe(inner) => self.maybe(inner),
            Ty::Pair(a, b) => self.pair(a, b),
        };
        self.depth -= 1;
        code
    }

    /// Whether to stop nesting.
    fn is_deep(&mut self) -> bool {
        self.depth > 4 || self.one_in(3)
    }

    /// A number that can be kept.
    pub(crate) fn small(&mut self) -> String {
        self.value(&Ty::Int)
    }

    /// A number, of a type that rustc knows to be `u64`.
    pub(crate) fn typed_int(&mut self) -> String {
        if self.may_await { format!("number({}).await", self.small()) } else { "7_u64".to_owned() }
    }

    fn int(&mut self) -> Int {
        if self.is_deep() {
            return self.simple_int();
        }
        if !self.may_await || self.one_in(4) {
            return self.computed_int();
        }
        match self.rng.u8(0..10) {
            0 => Int::new(format!("number({}).await", self.small()), KEPT_MAX),
            1 => Int::new(format!("double({}).await", self.small()), 2 * KEPT_MAX),
            2 => Int::new(format!("add({}, {}).await", self.small(), self.small()), 2 * KEPT_MAX),
            3 => Int::new(format!("sum({}).await", self.numbers_argument()), 10_000_000),
            4 => Int::new(format!("length({}).await as u64", self.text_argument()), 10_000_000).closed(),
            5 => Int::new(format!("pair({}).await.0", self.small()), 10 * KEPT_MAX),
            6 => {
                Int::new(format!("find({}).await.unwrap_or({})", self.small(), self.small()), 100 * KEPT_MAX)
            }
            7 => Int::new(format!("redeem({}).await", self.value(&Ty::Ticket)), 100_000_000),
            8 => Int::new("signal::<Payment>().await.amount", 1000),
            _ => self.questioned_int(),
        }
    }

    /// A number that may make the function return.
    fn questioned_int(&mut self) -> Int {
        match self.returns {
            super::Returns::Result(_) => {
                Int::new(format!("divide({}, {} % 3).await?", self.small(), self.operand()), KEPT_MAX)
            }
            super::Returns::Maybe(_) => Int::new(format!("find({}).await?", self.small()), 100 * KEPT_MAX),
            _ => Int::new(format!("helper({}).await", self.small()), 100 * KEPT_MAX),
        }
    }

    /// A literal or a place.
    fn simple_int(&mut self) -> Int {
        let places = self.scope.readable(|ty| *ty == Ty::Int);
        match self.pick(places) {
            Some(place) if !self.one_in(4) => {
                self.note_copy(&place);
                Int::new(place.value(), KEPT_MAX)
            }
            _ => Int::new(self.rng.u64(0..9).to_string(), 9),
        }
    }

    /// A number, in parentheses where it needs some.
    pub(crate) fn operand(&mut self) -> String {
        in_parentheses(&self.small())
    }

    fn computed_int(&mut self) -> Int {
        match self.rng.u8(0..7) {
            0 => Int::new(format!("{} + {}", self.operand(), self.operand()), 2 * KEPT_MAX).closed(),
            1 => Int::new(format!("{} * {}", self.operand(), self.operand()), KEPT_MAX * KEPT_MAX).closed(),
            2 => Int::new(format!("{} + 3 - {} % 3", self.operand(), self.operand()), KEPT_MAX + 3).closed(),
            3 => self.list_length(),
            4 if self.may_block => self.chosen_int(),
            5 if self.may_block => {
                let block = self.block_with_value(&Ty::Int);
                Int::new(block, KEPT_MAX)
            }
            _ => Int::new(format!("u64::from({})", self.value(&Ty::Flag)), 1),
        }
    }

    /// A number that depends on a condition.
    fn chosen_int(&mut self) -> Int {
        if self.one_in(2) {
            let code = self.if_with_value(&Ty::Int);
            return Int::new(code, KEPT_MAX).closed();
        }
        let code = self.match_with_value(&Ty::Int);
        Int::new(code, KEPT_MAX).closed()
    }

    fn list_length(&mut self) -> Int {
        let lists = self.scope.readable(|ty| matches!(ty, Ty::List(_) | Ty::Text));
        let Some(list) = self.pick(lists) else { return Int::new("4", 4) };
        self.note_copy(&list);
        Int::new(format!("{}.len() as u64", list.receiver()), 10_000_000).closed()
    }

    /// A condition.
    pub(crate) fn flag(&mut self) -> String {
        if self.is_deep() {
            return self.simple_flag();
        }
        match self.rng.u8(0..9) {
            0 if self.may_await => format!("is_even({}).await", self.small()),
            1 if self.may_await => {
                format!("ask({}, {}).await", self.text_argument(), self.value(&Ty::Flag))
            }
            2 if self.may_await => {
                let pattern = if self.one_in(2) { "Some(k) if k > 300" } else { "Some(100 | 300..)" };
                format!("matches!(find({}).await, {pattern})", self.small())
            }
            3 => format!("({} && {})", self.value(&Ty::Flag), self.conditional_flag()),
            4 => format!("({} || {})", self.value(&Ty::Flag), self.conditional_flag()),
            5 => format!("!{}", self.simple_flag()),
            6 => format!("({} < {})", self.operand(), self.operand()),
            7 => format!("({} == {})", self.operand(), self.operand()),
            _ => self.emptiness(),
        }
    }

    /// The right side of `&&` or `||`, which may not be evaluated.
    fn conditional_flag(&mut self) -> String {
        let before = self.scope.moves();
        let code = self.value(&Ty::Flag);
        self.scope.add_moves(&before);
        code
    }

    fn simple_flag(&mut self) -> String {
        let places = self.scope.readable(|ty| *ty == Ty::Flag);
        match self.pick(places) {
            Some(place) if !self.one_in(4) => {
                self.note_copy(&place);
                place.value()
            }
            _ => format!("({} > {})", self.simple_int().code, self.rng.u64(0..5)),
        }
    }

    fn emptiness(&mut self) -> String {
        let places = self.scope.readable(|ty| matches!(ty, Ty::List(_) | Ty::Text | Ty::Maybe(_)));
        let Some(place) = self.pick(places) else { return "(1 > 2)".to_owned() };
        self.note_copy(&place);
        let method = if matches!(place.ty, Ty::Maybe(_)) { "is_some" } else { "is_empty" };
        format!("{}.{method}()", place.receiver())
    }

    fn text(&mut self) -> String {
        if self.is_deep() {
            return self.kept_or(&Ty::Text, |this| format!("\"t{}\".to_string()", this.rng.u8(0..9)));
        }
        match self.rng.u8(0..8) {
            0 if self.may_await => format!("upper({}).await", self.text_argument()),
            1 if self.may_await => {
                format!("join({}, {}).await", self.text_argument(), self.text_argument())
            }
            2 if self.may_await => format!("say({}).await", self.value(&Ty::Text)),
            3 if self.may_await => format!("pair({}).await.1", self.small()),
            4 | 5 => self.formatted(),
            6 if self.may_block => self.block_with_value(&Ty::Text),
            _ => self.kept_or(&Ty::Text, Self::formatted),
        }
    }

    /// A `format!` of two values. Its arguments are borrowed together, so neither may change the other.
    fn formatted(&mut self) -> String {
        let could = std::mem::replace(&mut self.may_block, false);
        let (a, b) = (self.small(), self.small());
        self.may_block = could;
        let captured = self.scope.readable(|ty| matches!(ty, Ty::Int | Ty::Text | Ty::Flag));
        let captured: Vec<_> = captured.into_iter().filter(|place| place.path.is_empty()).collect();
        match self.pick(captured) {
            Some(place) => {
                self.scope.hold(&place);
                format!("format!(\"{{}}-{{{}}}-{{:?}}\", {a}, {b})", place.receiver())
            }
            None => format!("format!(\"{{}}+{{}}\", {a}, {b})"),
        }
    }

    fn ticket(&mut self) -> String {
        let fresh = |this: &mut Self| {
            let n = this.small();
            if this.may_await { format!("issue({n}).await") } else { format!("Ticket({n})") }
        };
        match self.rng.u8(0..3) {
            0 if self.may_await && self.depth < 5 => format!("upgrade({}).await", self.value(&Ty::Ticket)),
            1 => fresh(self),
            _ => self.kept_or(&Ty::Ticket, fresh),
        }
    }

    fn order(&mut self) -> String {
        self.kept_or(&Ty::Order, |this| format!("order({}, 2)", this.text_argument()))
    }

    fn kind(&mut self) -> String {
        let fresh = |this: &mut Self| match this.rng.u8(0..3) {
            0 => "Kind::Standard".to_owned(),
            1 => format!(
                "Kind::Gift {{ message: {}, wrap: {} }}",
                this.value(&Ty::Text),
                this.value(&Ty::Flag)
            ),
            _ => format!("Kind::Bulk(3, {})", this.value(&Ty::Text.list())),
        };
        self.kept_or(&Ty::Kind, fresh)
    }

    fn list(&mut self, inner: &Ty) -> String {
        let ty = inner.clone().list();
        match self.rng.u8(0..6) {
            0 if self.may_await && *inner == Ty::Int => format!("below({} % 4).await", self.operand()),
            1 if self.may_await && *inner == Ty::Text => format!("split({}).await", self.text_argument()),
            2 if *inner == Ty::Int => self.mapped_list(),
            3 | 4 => self.kept_or(&ty, |this| this.list_literal(inner)),
            _ => self.list_literal(inner),
        }
    }

    fn list_literal(&mut self, inner: &Ty) -> String {
        let first = if *inner == Ty::Int { self.typed_int() } else { self.value(inner) };
        if self.one_in(2) {
            format!("vec![{first}]")
        } else {
            format!("vec![{first}, {}]", self.value(inner))
        }
    }

    /// A list made by a closure.
    fn mapped_list(&mut self) -> String {
        let (upto, factor) = (self.operand(), self.simple_int());
        format!("(0..{upto} % 4).map(|k| k * ({}) % 1009).collect::<Vec<u64>>()", factor.code)
    }

    fn maybe(&mut self, inner: &Ty) -> String {
        let ty = inner.clone().maybe();
        match self.rng.u8(0..4) {
            0 if self.may_await && *inner == Ty::Int => format!("find({}).await", self.small()),
            1 => self.kept_or(&ty, |this| format!("Some({})", this.value(inner))),
            _ if *inner == Ty::Int => format!("Some({})", self.typed_int()),
            _ => format!("Some({})", self.value(inner)),
        }
    }

    fn pair(&mut self, a: &Ty, b: &Ty) -> String {
        if self.may_await && self.one_in(2) && *a == Ty::Int && *b == Ty::Text {
            return format!("pair({}).await", self.small());
        }
        let first = if *a == Ty::Int { self.typed_int() } else { self.value(a) };
        format!("({first}, {})", self.value(b))
    }
}

/// Puts parentheses around what needs them: whatever is not one word, outside of parentheses.
fn in_parentheses(code: &str) -> String {
    let mut depth = 0_u32;
    let is_open = code.chars().any(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c.is_whitespace() && depth == 0
    });
    if is_open { format!("({code})") } else { code.to_owned() }
}
