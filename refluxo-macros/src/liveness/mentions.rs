//! Which locals a block's code names.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ExprClosure, Ident, Macro, PatIdent,
    visit::{self, Visit},
};

use crate::{
    ir::{Await, Block, Var, VarSet, marker::Marker},
    parse::macros::Arguments,
};

/// The locals that a block mentions, and those of them that it binds.
pub(super) fn of(awaits: &[Await], block: &Block) -> (VarSet, VarSet) {
    let mut mentions = Mentions { awaits, mentioned: VarSet::new(), declared: VarSet::new() };
    for stmt in &block.stmts {
        mentions.visit_stmt(stmt);
    }
    (mentions.mentioned, mentions.declared)
}

/// The locals that a closure takes from around it.
pub(super) fn captured(closure: &ExprClosure) -> VarSet {
    let mut mentions = Mentions { awaits: &[], mentioned: VarSet::new(), declared: VarSet::new() };
    visit::visit_expr_closure(&mut mentions, closure);
    mentions.mentioned.iter().filter(|&var| !mentions.declared.contains(var)).collect()
}

/// The locals that an async block takes from around it.
pub(super) fn captured_by_async(block: &syn::ExprAsync) -> VarSet {
    let mut mentions = Mentions { awaits: &[], mentioned: VarSet::new(), declared: VarSet::new() };
    visit::visit_expr_async(&mut mentions, block);
    mentions.mentioned.iter().filter(|&var| !mentions.declared.contains(var)).collect()
}

/// The locals that a macro call uses: not those that the pattern of `matches!` binds.
pub(super) fn in_macro(mac: &Macro, found: &mut VarSet) {
    let Some(arguments) = Arguments::of(mac) else { return in_tokens(&mac.tokens, found) };
    let mut inner = Mentions { awaits: &[], mentioned: VarSet::new(), declared: VarSet::new() };
    for argument in &arguments.args {
        inner.visit_expr(&argument.expr);
    }
    if let Some((pattern, guard)) = &arguments.matched {
        inner.visit_pat(pattern);
        if let Some(guard) = guard {
            inner.visit_expr(guard);
        }
    }
    found.extend(inner.mentioned.iter().filter(|&var| !inner.declared.contains(var)));
}

/// The locals among tokens.
pub(crate) fn in_tokens(tokens: &TokenStream, found: &mut VarSet) {
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(ident) => {
                if let Some(var) = Var::of(&ident) {
                    found.insert(var);
                }
            }
            TokenTree::Group(group) => in_tokens(&group.stream(), found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

struct Mentions<'p> {
    awaits: &'p [Await],
    mentioned: VarSet,
    declared: VarSet,
}

impl<'a> Visit<'a> for Mentions<'_> {
    fn visit_ident(&mut self, ident: &'a Ident) {
        if let Some(var) = Var::of(ident) {
            self.mentioned.insert(var);
        }
    }

    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        if let Some(var) = Var::of(&pattern.ident) {
            self.declared.insert(var);
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        match Marker::of(mac) {
            Some(Marker::Suspend(id)) => {
                let call = self.awaits[id.0].call.clone();
                let mut inner =
                    Mentions { awaits: self.awaits, mentioned: VarSet::new(), declared: VarSet::new() };
                inner.visit_expr(&call);
                self.mentioned.union(&inner.mentioned);
                self.declared.union(&inner.declared);
            }
            Some(Marker::Goto(_) | Marker::Outcome(_)) => {}
            None => in_macro(mac, &mut self.mentioned),
        }
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            in_tokens(&list.tokens, &mut self.mentioned);
        }
    }
}
