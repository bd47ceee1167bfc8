//! Which locals a block's code names.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ExprClosure, Ident, Macro, PatIdent,
    visit::{self, Visit},
};

use crate::{
    ir::{Block, Program, Var, VarSet, VarTable, marker::Marker},
    parse::macros::Arguments,
};

/// The locals that a block mentions, and those of them that it binds.
pub(super) fn of(program: &Program, block: &Block) -> (VarSet, VarSet) {
    let mut mentions = Mentions::in_blocks(program);
    for stmt in &block.stmts {
        mentions.visit_stmt(stmt);
    }
    (mentions.mentioned, mentions.declared)
}

/// The locals that a closure takes from around it.
pub(super) fn captured(closure: &ExprClosure) -> VarSet {
    let mut mentions = Mentions::new();
    visit::visit_expr_closure(&mut mentions, closure);
    mentions.mentioned.iter().filter(|&var| !mentions.declared.contains(var)).collect()
}

/// The locals that an async block takes from around it. A field of what the block binds is its own.
pub(crate) fn captured_by_async(vars: &VarTable, block: &syn::ExprAsync) -> VarSet {
    let (mentioned, declared) = of_async(block);
    let is_own =
        |var| declared.contains(var) || vars.whole(var).is_some_and(|whole| declared.contains(whole));
    mentioned.iter().filter(|&var| !is_own(var)).collect()
}

/// The locals that an async block mentions, and those of them that it binds.
pub(crate) fn of_async(block: &syn::ExprAsync) -> (VarSet, VarSet) {
    let mut mentions = Mentions::new();
    visit::visit_expr_async(&mut mentions, block);
    (mentions.mentioned, mentions.declared)
}

/// The locals that a macro call uses: not those that the pattern of `matches!` binds.
pub(super) fn in_macro(mac: &Macro, found: &mut VarSet) {
    let Some(arguments) = Arguments::of(mac) else { return in_tokens(&mac.tokens, found) };
    let mut inner = Mentions::new();
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
    /// What the markers in lowered code stand for.
    program: Option<&'p Program>,
    mentioned: VarSet,
    declared: VarSet,
}

impl<'p> Mentions<'p> {
    /// Of code that is not lowered.
    fn new() -> Self {
        Self { program: None, mentioned: VarSet::new(), declared: VarSet::new() }
    }

    /// Of code that is lowered.
    fn in_blocks(program: &'p Program) -> Self {
        Self { program: Some(program), ..Self::new() }
    }

    fn marker(&mut self, program: &Program, marker: Marker) {
        match marker {
            Marker::Suspend(id) => {
                let mut inner = Mentions::in_blocks(program);
                inner.visit_expr(&program.awaits[id.0].call);
                self.mentioned.union(&inner.mentioned);
                self.declared.union(&inner.declared);
            }
            Marker::Start(id) => {
                let captures = &program.branch(id).captures;
                self.mentioned.extend(captures.iter().map(|capture| capture.outer));
            }
            Marker::Goto(_) | Marker::Outcome(_) => {}
        }
    }
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
        match (Marker::of(mac), self.program) {
            (Some(marker), Some(program)) => self.marker(program, marker),
            (Some(_), None) => {}
            (None, _) => in_macro(mac, &mut self.mentioned),
        }
    }

    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            in_tokens(&list.tokens, &mut self.mentioned);
        }
    }
}
