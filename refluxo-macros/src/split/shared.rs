//! Whether what a block takes from around it is needed there, too.

use syn::{Ident, Macro, PatIdent, visit::Visit};

use crate::{
    ir::{Await, Kind, Program, Var, VarSet, marker::Marker},
    liveness::{Liveness, mentions},
};

/// A local and the locals that stand for it in the blocks that take it.
pub(super) fn names(program: &Program, var: Var) -> VarSet {
    let mut names: VarSet = [var].into_iter().collect();
    for capture in program.branches.iter().flat_map(|branch| &branch.captures) {
        if names.contains(capture.outer) {
            names.insert(capture.inner);
        }
    }
    names
}

/// Whether a local is a borrow, of which blocks take copies.
pub(super) fn is_lent(program: &Program, var: Var) -> bool {
    program.branches.iter().flat_map(|branch| &branch.captures).any(|taken| taken.outer == var && taken.lent)
}

/// Whether a block can't take a local as a whole: it is used beside the block in the same form, or behind it. Rust lets the block take the
/// fields alone that it uses. Of a shared pointer it takes the whole, so that such a program holds none.
pub(super) fn is_needed_beside(program: &Program, liveness: &Liveness, var: Var) -> bool {
    let names = names(program, var);
    program.awaits.iter().any(|awaited| {
        let uses = FormUses::of(program, &names, awaited);
        let is_repeated = matches!(awaited.kind, Kind::All { .. }) && !uses.is_bound;
        let later = || names.iter().any(|name| liveness.at(awaited.resume).contains(name));
        uses.is_taken && (uses.count > 1 || is_repeated || later())
    })
}

/// The uses of a local in a form.
struct FormUses<'p> {
    program: &'p Program,
    names: &'p VarSet,
    count: usize,
    is_taken: bool,
    /// Whether it is bound there, for each item.
    is_bound: bool,
}

impl<'p> FormUses<'p> {
    fn of(program: &'p Program, names: &'p VarSet, awaited: &'p Await) -> Self {
        let mut uses = Self { program, names, count: 0, is_taken: false, is_bound: false };
        uses.visit_expr(&awaited.call);
        uses
    }

    /// Whether a local is the one that is looked for, or borrows from it.
    fn is_from(&self, var: Var) -> bool {
        let vars = &self.program.vars;
        self.names.contains(var)
            || vars
                .get(var)
                .alias
                .is_some_and(|alias| vars.alias(alias).roots.iter().any(|root| self.is_from(root)))
    }
}

impl<'a> Visit<'a> for FormUses<'_> {
    fn visit_ident(&mut self, ident: &'a Ident) {
        self.count += usize::from(Var::of(ident).is_some_and(|var| self.is_from(var)));
    }

    fn visit_pat_ident(&mut self, pattern: &'a PatIdent) {
        self.is_bound |= Var::of(&pattern.ident).is_some_and(|var| self.names.contains(var));
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        if let Some(Marker::Start(id)) = Marker::of(mac) {
            for capture in &self.program.branch(id).captures {
                self.is_taken |= self.names.contains(capture.outer);
                self.count += usize::from(self.is_from(capture.outer));
            }
        } else {
            let mut found = VarSet::new();
            mentions::in_tokens(&mac.tokens, &mut found);
            self.count += found.iter().filter(|&var| self.is_from(var)).count();
        }
    }
}
