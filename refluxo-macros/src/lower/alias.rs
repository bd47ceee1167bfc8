//! Locals that borrow a place: they are not saved, but taken again on resume.

use quote::ToTokens;
use syn::{Expr, ExprMethodCall, Lit, Pat, visit::Visit};

use super::Lowerer;
use crate::ir::{
    Alias, Var, VarSet,
    pattern::{LocalIn, keep, locals},
    place::{self, bare},
};

/// Methods of the standard library that look at their receiver in another way, and give the same when they are called again.
const VIEWS: [&str; 14] = [
    "as_bytes",
    "as_deref",
    "as_deref_mut",
    "as_mut",
    "as_mut_slice",
    "as_mut_str",
    "as_os_str",
    "as_path",
    "as_ref",
    "as_slice",
    "as_str",
    "trim",
    "trim_end",
    "trim_start",
];

/// Methods of the standard library that give an iterator which borrows its receiver.
const ITERATORS: [&str; 6] = ["chars", "iter", "iter_mut", "keys", "lines", "values"];

/// What the right side of a binding is, as far as its locals can be bound again.
enum Source {
    /// A borrow of a place, or a constant: binding again gives the same.
    Again,
    /// A place by value: only its `ref` bindings borrow.
    Place,
    /// A borrow that can't be taken again.
    Borrow(String),
    /// A value of its own.
    Value,
}

impl Lowerer {
    /// Records how the locals of `pattern`, bound to `source`, are taken again on resume.
    pub(super) fn note_binding(&mut self, pattern: &Pat, source: &Expr) {
        match self.source(source) {
            Source::Again => self.note_alias(pattern, source, |local| !local.copied && !local.mutable),
            Source::Place => self.note_alias(pattern, source, |local| local.by_ref),
            Source::Borrow(what) => {
                for local in locals(pattern) {
                    self.vars.get_mut(local.var).borrow = Some(what.clone());
                }
            }
            Source::Value => {}
        }
        if let (Pat::Ident(ident), Source::Again) = (untyped(pattern), self.source(source))
            && let Some(var) = Var::of(&ident.ident).filter(|_| ident.mutability.is_some())
        {
            self.vars.get_mut(var).borrow = Some(text(source));
        }
    }

    /// Makes the accepted locals of `pattern` an alias.
    pub(super) fn note_alias(&mut self, pattern: &Pat, source: &Expr, accept: impl Fn(&LocalIn) -> bool) {
        let members: Vec<Var> = locals(pattern).into_iter().filter(accept).map(|local| local.var).collect();
        if members.is_empty() {
            return;
        }
        let pattern = keep(pattern.clone(), &|var| members.contains(&var));
        let alias = Alias { pattern, source: source.clone(), roots: mentioned(source) };
        self.vars.add_alias(alias, members);
    }

    fn source(&self, expr: &Expr) -> Source {
        match bare(expr) {
            Expr::Reference(reference) if place::root(&reference.expr).is_some() => Source::Again,
            Expr::Reference(reference) if is_certain(&reference.expr) => Source::Again,
            Expr::Reference(_) => Source::Borrow(text(expr)),
            Expr::MethodCall(call) if is_on_place(call, &VIEWS) => Source::Again,
            Expr::MethodCall(call) if is_on_place(call, &ITERATORS) => Source::Borrow(text(expr)),
            Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_) | Lit::ByteStr(_) | Lit::CStr(_)) => {
                Source::Again
            }
            Expr::Tuple(tuple)
                if !tuple.elems.is_empty() && tuple.elems.iter().all(|item| self.is_again(item)) =>
            {
                Source::Again
            }
            Expr::Path(path) => match path.path.get_ident().and_then(Var::of) {
                Some(var) if self.vars.get(var).alias.is_some() => Source::Again,
                Some(_) => Source::Place,
                None => Source::Value,
            },
            place if place::root(place).is_some() => Source::Place,
            _ => Source::Value,
        }
    }

    /// Whether what is bound to an expression borrows.
    pub(super) fn is_loan(&self, expr: &Expr) -> bool {
        matches!(self.source(expr), Source::Again | Source::Borrow(_))
    }

    fn is_again(&self, expr: &Expr) -> bool {
        matches!(self.source(expr), Source::Again)
    }
}

/// Whether a call is `place.method()` with one of these methods, or such a call on what another view gives.
fn is_on_place(call: &ExprMethodCall, methods: &[&str]) -> bool {
    let is_view = |receiver: &Expr| match bare(receiver) {
        Expr::MethodCall(inner) => is_on_place(inner, &VIEWS),
        receiver => place::root(receiver).is_some(),
    };
    call.args.is_empty() && methods.iter().any(|method| call.method == method) && is_view(&call.receiver)
}

/// A constant whose type does not depend on how it is used, such as a string literal.
pub(super) fn is_certain(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => !int.suffix().is_empty(),
            Lit::Float(float) => !float.suffix().is_empty(),
            _ => true,
        },
        Expr::Path(path) => path.path.get_ident().is_none_or(|name| Var::of(name).is_none()),
        Expr::Reference(reference) => reference.mutability.is_none() && is_certain(&reference.expr),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_certain),
        Expr::Array(array) => !array.elems.is_empty() && array.elems.iter().all(is_certain),
        _ => false,
    }
}

/// The locals that an expression mentions.
pub(super) fn mentioned(expr: &Expr) -> VarSet {
    struct Finder(VarSet);

    impl<'a> Visit<'a> for Finder {
        fn visit_ident(&mut self, ident: &'a syn::Ident) {
            if let Some(var) = Var::of(ident) {
                self.0.insert(var);
            }
        }
    }

    let mut finder = Finder(VarSet::new());
    finder.visit_expr(expr);
    finder.0
}

/// A pattern without its type.
fn untyped(pattern: &Pat) -> &Pat {
    match pattern {
        Pat::Type(typed) => untyped(&typed.pat),
        Pat::Guard(guarded) => untyped(&guarded.pat),
        Pat::Paren(paren) => untyped(&paren.pat),
        pattern => pattern,
    }
}

/// An expression as a message shows it: without the numbers of locals.
pub(super) fn text(expr: &Expr) -> String {
    let tokens = expr.to_token_stream().to_string();
    let mut shown = String::new();
    let mut chars = tokens.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '·' {
            while chars.next_if(char::is_ascii_digit).is_some() {}
        } else {
            shown.push(char);
        }
    }
    ["& ", " . ", " (", "( ", " )", " [", "[ ", " ]", " ,"]
        .into_iter()
        .fold(shown, |shown, spaced| shown.replace(spaced, spaced.trim()))
}
