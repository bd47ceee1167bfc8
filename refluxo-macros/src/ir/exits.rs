//! Where a block leads.

use syn::{
    Macro, Stmt,
    visit::{self, Visit},
};

use super::{Await, AwaitId, BlockId, marker::Marker};

/// The jumps and suspensions of a block.
#[derive(Default)]
pub(crate) struct Exits {
    pub(crate) gotos: Vec<BlockId>,
    pub(crate) suspensions: Vec<AwaitId>,
    /// Whether the workflow may end here: by `return` or `?`.
    pub(crate) returns: bool,
}

impl Exits {
    pub(crate) fn of(stmts: &[Stmt]) -> Self {
        let mut exits = Self::default();
        for stmt in stmts {
            exits.visit_stmt(stmt);
        }
        exits
    }

    fn add(&mut self, marker: Marker) {
        match marker {
            Marker::Goto(block) => self.gotos.push(block),
            Marker::Suspend(id) => self.suspensions.push(id),
            Marker::Outcome(_) | Marker::Start(_) => {}
        }
    }
}

impl<'a> Visit<'a> for Exits {
    fn visit_macro(&mut self, mac: &'a Macro) {
        match Marker::of(mac) {
            Some(marker) => self.add(marker),
            None => Marker::in_tokens(&mac.tokens).into_iter().for_each(|marker| self.add(marker)),
        }
    }

    fn visit_expr_return(&mut self, expr: &'a syn::ExprReturn) {
        self.returns = true;
        visit::visit_expr_return(self, expr);
    }

    fn visit_expr_try(&mut self, expr: &'a syn::ExprTry) {
        self.returns = true;
        visit::visit_expr_try(self, expr);
    }

    fn visit_expr_closure(&mut self, _: &'a syn::ExprClosure) {}

    fn visit_expr_async(&mut self, _: &'a syn::ExprAsync) {}

    fn visit_item(&mut self, _: &'a syn::Item) {}
}

/// The blocks that may run after this one, in this transition or the next.
pub(crate) fn successors(awaits: &[Await], stmts: &[Stmt]) -> Vec<BlockId> {
    let exits = Exits::of(stmts);
    let resumed = exits.suspensions.into_iter().map(|id| awaits[id.0].resume);
    exits.gotos.into_iter().chain(resumed).collect()
}
