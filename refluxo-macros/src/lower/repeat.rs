//! `for` loops with awaits in them.
//!
//! Over a place, a cursor is saved and the iterator is made again on resume. Over a range, the range is saved. What any other
//! iterator gives is collected when the loop starts, and saved with a cursor beside it.

use proc_macro2::Span;
use syn::{Expr, ExprForLoop, ExprMethodCall, Pat, RangeLimits, parse_quote, spanned::Spanned};

use super::{
    Dest, Lowerer,
    alias::{is_certain, mentioned},
    spill::{Mode, is_constant},
};
use crate::ir::{Var, VarSet, marker::private, pattern::locals, place::bare};

/// Methods that borrow a collection or a string and walk over it in an order that a reload keeps.
const WALKS: [&str; 13] = [
    "iter",
    "iter_mut",
    "keys",
    "values",
    "values_mut",
    "chars",
    "char_indices",
    "bytes",
    "lines",
    "split_whitespace",
    "split",
    "windows",
    "chunks",
];

/// Adapters that give the same items when they are made again.
const ADAPTERS: [&str; 8] = ["enumerate", "rev", "zip", "skip", "take", "step_by", "copied", "cloned"];

/// How a loop takes its next item, and how it takes the present one again on resume.
struct Steps {
    /// Gives an `Option` of the item.
    next: Expr,
    /// Gives an `Option` of the present item again, if that is not saved.
    again: Option<Expr>,
    /// The locals that the loop borrows for reading.
    frozen: VarSet,
}

impl Lowerer {
    pub(super) fn for_loop(&mut self, repeat: ExprForLoop, dest: &Dest) {
        let iterator = self.expr(*repeat.expr);
        let pattern = *repeat.pat;
        let steps = self.steps(&pattern, iterator);
        if let Some(again) = &steps.again {
            let item: Pat = parse_quote!(::core::option::Option::Some(#pattern));
            self.note_alias(&item, again, |local| !local.mutable);
        }
        let (head, exit) = (self.new_block(), self.new_block());
        self.goto(head);
        let frozen = self.frozen.clone();
        self.frozen.union(&steps.frozen);
        self.place(head);
        let next = steps.next;
        self.repeated(repeat.label, head, exit, &Dest::Discard, |this| {
            let body = this.branch(|this| {
                this.scope(repeat.body, &Dest::Discard);
                this.goto(head);
            });
            let end = this.branch(|this| this.goto(exit));
            this.emit_end(parse_quote! {
                match #next {
                    ::core::option::Option::Some(#pattern) => #body
                    ::core::option::Option::None => #end
                }
            });
        });
        self.frozen = frozen;
        self.place(exit);
        if self.open {
            self.give(dest, &parse_quote!(()));
        }
    }

    fn steps(&mut self, pattern: &Pat, iterator: Expr) -> Steps {
        if let Expr::Range(range) = bare(&iterator) {
            return self.range_steps(&range.limits, &iterator);
        }
        let span = iterator.span();
        let is_cursor = self.is_walk(&iterator);
        let source = if is_cursor { self.walk(iterator) } else { self.collect(&iterator) };
        let cursor = self.cursor(pattern);
        let (next, current) = (private("next", span), private("current", span));
        if !is_cursor {
            let next = parse_quote!(#source.next(&mut #cursor));
            return Steps { next, again: None, frozen: VarSet::new() };
        }
        let again: Expr = parse_quote!(#current(#source, &#cursor));
        let frozen = if is_shared(&source) { mentioned(&source) } else { VarSet::new() };
        Steps { next: parse_quote!(#next(#source, &mut #cursor)), again: Some(again), frozen }
    }

    /// Keeps a range, which is its own cursor.
    fn range_steps(&mut self, limits: &RangeLimits, range: &Expr) -> Steps {
        let span = range.span();
        let range = match limits {
            RangeLimits::HalfOpen(_) => range.clone(),
            RangeLimits::Closed(_) => {
                let inclusive = private("Inclusive", span);
                parse_quote!(#inclusive::new(#range))
            }
        };
        let range = self.bind("range", span, true, &range);
        let next = parse_quote!(::core::iter::Iterator::next(&mut #range));
        Steps { next, again: None, frozen: VarSet::new() }
    }

    /// Collects what an iterator gives.
    fn collect(&mut self, iterator: &Expr) -> Expr {
        let span = iterator.span();
        let remaining = private("Remaining", span);
        let collected = self.bind("remaining", span, true, &parse_quote!(#remaining::new(#iterator)));
        if let Some(var) = path_var(&collected) {
            // Taking an item out of it does not change what was saved.
            self.vars.get_mut(var).mutable = false;
        }
        collected
    }

    /// A cursor, named after the loop's item.
    fn cursor(&mut self, pattern: &Pat) -> Expr {
        let name = locals(pattern).first().map_or_else(
            || "cursor".to_owned(),
            |local| self.vars.get(local.var).ident.to_string().trim_start_matches("r#").to_owned(),
        );
        let start = private("Cursor", Span::call_site());
        let cursor = self.bind(&name, pattern.span(), true, &parse_quote!(#start::start()));
        if let Some(var) = path_var(&cursor) {
            self.vars.get_mut(var).ty = Some(parse_quote!(#start));
        }
        cursor
    }

    /// Whether an iterator can be made again.
    pub(super) fn is_walk(&self, iterator: &Expr) -> bool {
        match bare(iterator) {
            Expr::Reference(_) => true,
            Expr::Path(_) => self.is_reference(iterator),
            Expr::Array(_) => is_certain(iterator) || is_constant(iterator) && has_text(iterator),
            Expr::MethodCall(call) => {
                let method = call.method.to_string();
                if method == "into_iter" {
                    return self.is_reference(&call.receiver);
                }
                if WALKS.contains(&method.as_str()) {
                    return call.args.iter().all(|arg| is_constant(arg) || path_var(arg).is_some());
                }
                ADAPTERS.contains(&method.as_str())
                    && self.is_walk_or_range(&call.receiver)
                    && (method != "zip" || call.args.iter().all(|arg| self.is_walk_or_range(arg)))
            }
            _ => false,
        }
    }

    fn is_walk_or_range(&self, iterator: &Expr) -> bool {
        matches!(bare(iterator), Expr::Range(_)) || self.is_walk(iterator)
    }

    /// Whether an expression is a local that is taken again on resume, and so a reference.
    fn is_reference(&self, expr: &Expr) -> bool {
        path_var(bare(expr)).is_some_and(|var| self.vars.get(var).alias.is_some())
    }

    /// Keeps what an iterator needs to be made again; returns the expression that makes it.
    fn walk(&mut self, iterator: Expr) -> Expr {
        match iterator {
            Expr::Paren(paren) => {
                let inner = self.walk(*paren.expr);
                parse_quote!((#inner))
            }
            Expr::MethodCall(call) => self.walk_method(call),
            Expr::Reference(_) | Expr::Range(_) => self.spill(iterator, Mode::Place),
            other => other,
        }
    }

    fn walk_method(&mut self, mut call: ExprMethodCall) -> Expr {
        let method = call.method.to_string();
        call.receiver = Box::new(if WALKS.contains(&method.as_str()) {
            self.spill(*call.receiver, Mode::Place)
        } else {
            self.walk(*call.receiver)
        });
        call.args = call
            .args
            .into_iter()
            .map(|arg| if method == "zip" { self.walk(arg) } else { self.spill(arg, Mode::Value) })
            .collect();
        Expr::MethodCall(call)
    }
}

/// Whether a string literal stands in an expression, which makes it impossible to save.
fn has_text(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Str(_)),
        Expr::Array(array) => array.elems.iter().any(has_text),
        Expr::Tuple(tuple) => tuple.elems.iter().any(has_text),
        Expr::Reference(reference) => has_text(&reference.expr),
        _ => false,
    }
}

/// The local that an expression is.
fn path_var(expr: &Expr) -> Option<Var> {
    match expr {
        Expr::Path(path) => path.path.get_ident().and_then(Var::of),
        _ => None,
    }
}

/// Whether an iterator only reads what it walks over.
fn is_shared(iterator: &Expr) -> bool {
    match bare(iterator) {
        Expr::Reference(reference) => reference.mutability.is_none(),
        Expr::MethodCall(call) => {
            !matches!(call.method.to_string().as_str(), "iter_mut" | "values_mut")
                && is_shared(&call.receiver)
                && call.args.iter().all(is_shared)
        }
        _ => true,
    }
}
