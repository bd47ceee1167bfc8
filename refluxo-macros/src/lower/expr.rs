//! Expressions with awaits in them.
//!
//! Each function emits what has to run before the last await of the expression and returns the rest, which is to be evaluated
//! next, or spilled.

use syn::{
    BinOp, Expr, ExprAwait, ExprBinary, ExprCall, ExprMacro, ExprMethodCall, ExprPath, ExprStruct,
    parse_quote, punctuated::Punctuated, spanned::Spanned,
};

use super::{
    Lowerer, Wait,
    query::{any_await, has_await},
    spill::Mode,
    unreachable_value,
};
use crate::{
    ir::{self, form::Form, place::bare},
    parse::macros::{Arguments, Kind},
};

impl Lowerer {
    /// Lowers an expression.
    pub(super) fn expr(&mut self, expr: Expr) -> Expr {
        if !has_await(&expr) {
            return self.verbatim(expr);
        }
        match expr {
            Expr::Await(awaited) => self.awaited(awaited),
            Expr::Try(mut tried) => {
                self.within(&mut tried.expr);
                Expr::Try(tried)
            }
            Expr::Unary(mut unary) => {
                self.within(&mut unary.expr);
                Expr::Unary(unary)
            }
            Expr::Cast(mut cast) => {
                self.within(&mut cast.expr);
                Expr::Cast(cast)
            }
            Expr::Field(mut field) => {
                self.within(&mut field.base);
                Expr::Field(field)
            }
            Expr::Reference(mut reference) => {
                self.within(&mut reference.expr);
                Expr::Reference(reference)
            }
            Expr::Paren(mut paren) => {
                self.within(&mut paren.expr);
                Expr::Paren(paren)
            }
            Expr::Group(group) => self.expr(*group.expr),
            Expr::Let(mut condition) => {
                self.within(&mut condition.expr);
                Expr::Let(condition)
            }
            Expr::Repeat(mut repeat) => {
                self.within(&mut repeat.expr);
                Expr::Repeat(repeat)
            }
            Expr::Binary(binary) => self.binary(binary),
            Expr::Assign(mut assign) => {
                self.assignment(&mut assign.left, &mut assign.right);
                Expr::Assign(assign)
            }
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) => self.method_call(call),
            Expr::Index(mut index) => {
                let operands = vec![(*index.expr, Mode::Place), (*index.index, Mode::Value)];
                [*index.expr, *index.index] = self.operands(operands).try_into().unwrap_or_else(|_| never());
                Expr::Index(index)
            }
            Expr::Array(mut array) => {
                array.elems = self.list(array.elems);
                Expr::Array(array)
            }
            Expr::Tuple(mut tuple) => {
                tuple.elems = self.list(tuple.elems);
                Expr::Tuple(tuple)
            }
            Expr::Struct(literal) => self.struct_literal(literal),
            Expr::Range(mut range) => {
                let ends = [range.start.take(), range.end.take()];
                let given = ends.each_ref().map(Option::is_some);
                let operands = ends.into_iter().flatten().map(|end| (*end, Mode::Value)).collect();
                let mut lowered = self.operands(operands).into_iter().map(Box::new);
                [range.start, range.end] = given.map(|given| given.then(|| lowered.next()).flatten());
                Expr::Range(range)
            }
            Expr::Macro(mac) => self.macro_call(mac),
            construct => self.construct_value(construct),
        }
    }

    /// Lowers the value of a construct: its branches bind a local.
    fn construct_value(&mut self, construct: Expr) -> Expr {
        let (dest, value) = self.value(construct.span());
        self.control(construct, &dest);
        if self.open { value } else { unreachable_value() }
    }

    /// Lowers an operand in its place.
    pub(super) fn within(&mut self, expr: &mut Expr) {
        let inner = std::mem::replace(expr, Expr::PLACEHOLDER);
        *expr = self.expr(inner);
    }

    /// Lowers `CALL.await`: a state of the machine.
    fn awaited(&mut self, awaited: ExprAwait) -> Expr {
        let span = awaited.await_token.span();
        if Form::of_call(&awaited.base).is_some() {
            self.name_state_by(&awaited.attrs);
            return self.form(*awaited.base, span);
        }
        let Expr::Call(call) = bare(&awaited.base) else { return unreachable_value() };
        let name = self.state_name.take();
        let Expr::Path(ExprPath { path, .. }) = &*call.func else { return unreachable_value() };
        let args = self.list(call.args.clone());
        self.state_name = name;
        let call = Expr::Call(ExprCall { args, ..call.clone() });
        let (ty, paths) = (parse_quote!(#path), vec![path.clone()]);
        self.suspend(Wait { ty, paths, kind: ir::Kind::Call, call }, span)
    }

    /// Lowers operands that are evaluated from left to right: those before the last await are kept in locals.
    pub(super) fn operands(&mut self, operands: Vec<(Expr, Mode)>) -> Vec<Expr> {
        let last = operands.iter().rposition(|(operand, _)| has_await(operand));
        let mut lowered = Vec::with_capacity(operands.len());
        for (index, (operand, mode)) in operands.into_iter().enumerate() {
            let value = self.expr(operand);
            let is_before = last.is_some_and(|last| index < last);
            lowered.push(if is_before { self.spill(value, mode) } else { value });
        }
        lowered
    }

    /// Lowers a list of values.
    fn list<P: Default>(&mut self, list: Punctuated<Expr, P>) -> Punctuated<Expr, P> {
        self.operands(list.into_iter().map(|item| (item, Mode::Value)).collect()).into_iter().collect()
    }

    fn binary(&mut self, mut binary: ExprBinary) -> Expr {
        match binary.op {
            BinOp::And(_) | BinOp::Or(_) if has_await(&binary.right) => self.short_circuit(binary),
            op if is_assignment(&op) => {
                self.assignment(&mut binary.left, &mut binary.right);
                Expr::Binary(binary)
            }
            op => {
                let mode = if is_comparison(&op) { Mode::Place } else { Mode::Value };
                let operands = vec![(*binary.left, mode), (*binary.right, mode)];
                [*binary.left, *binary.right] =
                    self.operands(operands).try_into().unwrap_or_else(|_| never());
                Expr::Binary(binary)
            }
        }
    }

    /// `place = value` and `place += value`: the value comes first, the place after it.
    fn assignment(&mut self, place: &mut Expr, value: &mut Expr) {
        self.within(value);
        if has_await(place) {
            let kept = std::mem::replace(value, Expr::PLACEHOLDER);
            *value = self.spill(kept, Mode::Value);
        }
        self.within(place);
    }

    /// `left && right` → `if left { right } else { false }`.
    fn short_circuit(&mut self, binary: ExprBinary) -> Expr {
        let (left, right) = (*binary.left, *binary.right);
        let construct: Expr = match binary.op {
            BinOp::And(_) => parse_quote!(if #left { #right } else { false }),
            _ => parse_quote!(if #left { true } else { #right }),
        };
        self.construct_value(construct)
    }

    fn call(&mut self, mut call: ExprCall) -> Expr {
        if matches!(*call.func, Expr::Path(_)) {
            call.args = self.list(call.args);
            return Expr::Call(call);
        }
        let mut operands = vec![(*call.func, Mode::Place)];
        operands.extend(call.args.into_iter().map(|arg| (arg, Mode::Value)));
        let mut operands = self.operands(operands).into_iter();
        *call.func = operands.next().unwrap_or_else(never);
        call.args = operands.collect();
        Expr::Call(call)
    }

    /// The place of a receiver is evaluated after the awaits in the arguments, its temporaries before.
    fn method_call(&mut self, mut call: ExprMethodCall) -> Expr {
        let mut operands = vec![(*call.receiver, Mode::Place)];
        operands.extend(call.args.into_iter().map(|arg| (arg, Mode::Value)));
        let mut operands = self.operands(operands).into_iter();
        *call.receiver = operands.next().unwrap_or_else(never);
        call.args = operands.collect();
        Expr::MethodCall(call)
    }

    fn struct_literal(&mut self, mut literal: ExprStruct) -> Expr {
        let rest = literal.rest.take();
        let mut operands: Vec<_> =
            literal.fields.iter().map(|field| (field.expr.clone(), Mode::Value)).collect();
        operands.extend(rest.map(|rest| (*rest, Mode::Place)));
        let mut operands = self.operands(operands).into_iter();
        for (field, value) in literal.fields.iter_mut().zip(operands.by_ref()) {
            if field.colon_token.is_none() {
                field.colon_token = Some(syn::Token![:](field.span()));
            }
            field.expr = value;
        }
        literal.rest = operands.next().map(Box::new);
        Expr::Struct(literal)
    }

    /// A macro of the standard library, whose arguments are expressions in the order of evaluation.
    fn macro_call(&mut self, mut expr: ExprMacro) -> Expr {
        let Some(mut arguments) = Arguments::of(&expr.mac) else { return Expr::Macro(expr) };
        if is_debug_only(&expr) && any_await(arguments.args.iter().map(|arg| &arg.expr)) {
            return self.debug_only(expr);
        }
        if let Kind::Assert { before } = arguments.kind
            && any_await(arguments.args.iter().skip(before).map(|arg| &arg.expr))
        {
            return self.assertion(&expr, &arguments, before);
        }
        let mode = match arguments.kind {
            Kind::Format { .. } | Kind::Assert { .. } | Kind::Matches => Mode::Place,
            Kind::List | Kind::Repeat | Kind::Debug => Mode::Value,
        };
        let operands = arguments.args.iter().map(|arg| (arg.expr.clone(), mode)).collect();
        for (argument, value) in arguments.args.iter_mut().zip(self.operands(operands)) {
            argument.expr = value;
        }
        expr.mac.tokens = arguments.tokens();
        Expr::Macro(expr)
    }

    /// An assertion with an await in its message, which runs on failure only:
    /// `assert!(a, "…", b)` → `if !a { panic!("…", b) }`, and
    /// `assert_eq!(a, b, "…", c)` → `if !(a == b) { assert_eq!(a, b, "{}", format!("…", c)) }`.
    fn assertion(&mut self, expr: &ExprMacro, arguments: &Arguments, before: usize) -> Expr {
        let (operands, message) = arguments.args.split_at(before);
        let mode = if before == 1 { Mode::Value } else { Mode::Place };
        let operands: Vec<Expr> = operands.iter().map(|arg| self.expr(arg.expr.clone())).collect();
        let operands: Vec<Expr> = operands.into_iter().map(|operand| self.spill(operand, mode)).collect();
        let path = &expr.mac.path;
        let is_ne = path.segments.last().is_some_and(|last| last.ident == "assert_ne");
        match operands.as_slice() {
            [holds] => self.construct_value(parse_quote!(if !(#holds) { ::core::panic!(#(#message),*) })),
            [left, right] => {
                let fails: Expr =
                    if is_ne { parse_quote!(#left == #right) } else { parse_quote!(#left != #right) };
                self.construct_value(parse_quote! {
                    if #fails { #path!(#left, #right, "{}", ::std::format!(#(#message),*)) }
                })
            }
            _ => Expr::Macro(expr.clone()),
        }
    }

    /// `debug_assert!(…)` → `if cfg!(debug_assertions) { assert!(…) }`.
    fn debug_only(&mut self, expr: ExprMacro) -> Expr {
        let name = expr.mac.path.segments.last().map_or_else(String::new, |last| last.ident.to_string());
        let name = syn::Ident::new(name.trim_start_matches("debug_"), expr.mac.path.span());
        let tokens = expr.mac.tokens;
        self.construct_value(parse_quote!(if ::core::cfg!(debug_assertions) { ::core::#name!(#tokens) }))
    }
}

fn is_debug_only(expr: &ExprMacro) -> bool {
    expr.mac.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with("debug_"))
}

/// As many operands come back as were given.
fn never<T>() -> T {
    unreachable!("operands keep their number")
}

fn is_comparison(op: &BinOp) -> bool {
    matches!(op, BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_))
}

fn is_assignment(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
