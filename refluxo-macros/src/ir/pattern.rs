//! Locals in patterns.

use proc_macro2::Span;
use syn::{Expr, Pat, PatWild, visit::Visit};

use super::Var;

/// A local in a pattern.
pub(crate) struct LocalIn {
    pub(crate) var: Var,
    pub(crate) mutable: bool,
    /// `ref`: it borrows.
    pub(crate) by_ref: bool,
    /// Under a `&`: it is copied out.
    pub(crate) copied: bool,
}

/// The locals of a pattern.
pub(crate) fn locals(pattern: &Pat) -> Vec<LocalIn> {
    struct Finder(Vec<LocalIn>, bool);

    impl<'a> Visit<'a> for Finder {
        fn visit_pat_ident(&mut self, ident: &'a syn::PatIdent) {
            if let Some(var) = Var::of(&ident.ident)
                && self.0.iter().all(|known| known.var != var)
            {
                let (by_ref, mutable) =
                    (ident.by_ref.is_some(), ident.mutability.is_some() && ident.by_ref.is_none());
                self.0.push(LocalIn { var, mutable, by_ref, copied: self.1 && !by_ref });
            }
            syn::visit::visit_pat_ident(self, ident);
        }

        fn visit_pat_reference(&mut self, reference: &'a syn::PatReference) {
            let outer = std::mem::replace(&mut self.1, true);
            self.visit_pat(&reference.pat);
            self.1 = outer;
        }

        fn visit_expr(&mut self, _: &'a Expr) {}
    }

    let mut finder = Finder(Vec::new(), false);
    finder.visit_pat(pattern);
    finder.0
}

/// The pattern with `_` in place of the locals that are not kept.
pub(crate) fn keep(mut pattern: Pat, kept: &dyn Fn(Var) -> bool) -> Pat {
    struct Keeper<'a>(&'a dyn Fn(Var) -> bool);

    impl syn::visit_mut::VisitMut for Keeper<'_> {
        fn visit_pat_mut(&mut self, pattern: &mut Pat) {
            if let Pat::Guard(guarded) = pattern {
                *pattern = (*guarded.pat).clone();
            }
            if let Pat::Ident(ident) = pattern
                && let Some(var) = Var::of(&ident.ident)
                && !(self.0)(var)
            {
                let wild = PatWild { attrs: Vec::new(), underscore_token: syn::Token![_](Span::call_site()) };
                *pattern = match ident.subpat.take() {
                    Some((_, subpattern)) => *subpattern,
                    None => Pat::Wild(wild),
                };
            }
            syn::visit_mut::visit_pat_mut(self, pattern);
        }
    }

    syn::visit_mut::VisitMut::visit_pat_mut(&mut Keeper(kept), &mut pattern);
    pattern
}
