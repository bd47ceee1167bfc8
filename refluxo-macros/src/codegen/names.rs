//! All names in generated code.
//!
//! The user's locals keep their names, at the places where the user wrote them. What the macro adds has hygiene of its own
//! (`mixed_site`), so that neither can see the other.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenTree};
use syn::{Attribute, visit::Visit};

use crate::{
    diag::Errors,
    ir::{BranchId, Program, Var, VarSet, VarTable, exits, marker},
    liveness::Liveness,
    messages::Message,
};

/// The names of locals in generated code.
pub(super) struct Names<'p> {
    vars: &'p VarTable,
    /// Locals that must not hide the one of the same name around them.
    renamed: VarSet,
}

impl<'p> Names<'p> {
    pub(super) fn of(program: &'p Program, liveness: &Liveness) -> Self {
        Self { vars: &program.vars, renamed: renamed(program, liveness) }
    }

    /// The Rust variable of a local, at the place of a use.
    pub(super) fn local(&self, var: Var, at: Span) -> Ident {
        let info = self.vars.get(var);
        if info.made || self.renamed.contains(var) {
            return self.generated(var, "");
        }
        let mut ident = info.ident.clone();
        ident.set_span(at);
        ident
    }

    /// The Rust variable of a local, at the place of its declaration.
    pub(super) fn declared(&self, var: Var) -> Ident {
        self.local(var, self.vars.get(var).ident.span())
    }

    /// The slot of a local.
    pub(super) fn slot(&self, var: Var) -> Ident {
        self.generated(var, "slot_")
    }

    /// The value of a local's field on its way into a state.
    pub(super) fn field(&self, var: Var) -> Ident {
        self.generated(var, "field_")
    }

    fn generated(&self, var: Var, prefix: &str) -> Ident {
        let ident = &self.vars.get(var).ident;
        let name = ident.to_string();
        let name = name.trim_start_matches("r#");
        Ident::new(&format!("{prefix}{name}_{}", var.0), Span::mixed_site().located_at(ident.span()))
    }
}

/// A renamed local can't be found by its name in the strings of a foreign macro.
pub(crate) fn check(errors: &Errors, program: &Program, liveness: &Liveness) {
    let renamed = renamed(program, liveness);
    let mut mentions = Mentions(Vec::new());
    for stmt in program.blocks.iter().flat_map(|block| &block.stmts) {
        mentions.visit_stmt(stmt);
    }
    for ident in mentions.0 {
        if let Some(var) = Var::of(&ident).filter(|&var| renamed.contains(var)) {
            let name = program.vars.get(var).ident.to_string();
            errors.at(ident.span(), &Message::ShadowedInMacro(name));
        }
    }
}

/// The locals that strings of foreign macros mention.
struct Mentions(Vec<Ident>);

impl<'a> Visit<'a> for Mentions {
    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if let (true, syn::Meta::List(list)) = (marker::is_mentions(attribute), &attribute.meta) {
            self.0.extend(list.tokens.clone().into_iter().filter_map(|token| match token {
                TokenTree::Ident(ident) => Some(ident),
                _ => None,
            }));
        }
    }
}

/// The locals that need another name, because one that they hide is needed in the same block.
fn renamed(program: &Program, liveness: &Liveness) -> VarSet {
    let mut renamed = VarSet::new();
    for block in &program.blocks {
        let frame = liveness.frame(block.id);
        let mut here = frame.mentioned.clone();
        here.union(&frame.taken);
        here.union(&frame.rebound);
        let mut later = VarSet::new();
        for next in exits::successors(&program.awaits, &block.stmts) {
            later.union(liveness.at(next));
        }
        for var in here.iter() {
            let begins_here = frame.declared.contains(var) && !frame.taken.contains(var);
            let is_needed = |hidden| here.contains(hidden) && (!begins_here || later.contains(hidden));
            if hidden(&program.vars, var).any(is_needed) {
                renamed.insert(var);
            }
        }
    }
    renamed
}

/// The locals of the same name that a local hides, from the inside out.
fn hidden(vars: &VarTable, var: Var) -> impl Iterator<Item = Var> + '_ {
    std::iter::successors(vars.get(var).shadows, |&outer| vars.get(outer).shadows)
}

/// The witness of a block's output.
pub(super) fn branch(BranchId(number): BranchId) -> Ident {
    own(&format!("branch_{number}"))
}

/// A variable of the dispatch function.
pub(super) fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// Tells which texts are new.
#[derive(Default)]
pub(super) struct Distinct(BTreeSet<String>);

impl Distinct {
    /// Whether `text` is new.
    pub(super) fn insert(&mut self, text: String) -> bool {
        self.0.insert(text)
    }
}
