//! All names in generated code.
//!
//! The user's locals keep their names, at the places where the user wrote them. What the macro adds has hygiene of its own
//! (`mixed_site`), so that neither can see the other.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span};

use crate::{
    ir::{Program, Var, VarSet, VarTable, exits},
    liveness::Liveness,
};

/// The names of locals in generated code.
pub(super) struct Names<'p> {
    vars: &'p VarTable,
    /// Locals that must not hide the one of the same name around them.
    renamed: VarSet,
}

impl<'p> Names<'p> {
    pub(super) fn of(program: &'p Program, liveness: &Liveness) -> Self {
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
                let clash = hidden(&program.vars, var)
                    .any(|hidden| here.contains(hidden) && !(begins_here && !later.contains(hidden)));
                if clash {
                    renamed.insert(var);
                }
            }
        }
        Self { vars: &program.vars, renamed }
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

/// The locals of the same name that a local hides, from the inside out.
fn hidden(vars: &VarTable, var: Var) -> impl Iterator<Item = Var> + '_ {
    std::iter::successors(vars.get(var).shadows, |&outer| vars.get(outer).shadows)
}

/// A variable of the dispatch function.
pub(super) fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// One number for each distinct text, in the order of their first use.
#[derive(Default)]
pub(super) struct Distinct(BTreeMap<String, ()>);

impl Distinct {
    /// Whether `text` is new.
    pub(super) fn insert(&mut self, text: String) -> bool {
        self.0.insert(text, ()).is_none()
    }
}
