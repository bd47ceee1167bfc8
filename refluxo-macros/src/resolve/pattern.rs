//! Locals that a pattern binds.

use syn::{FieldPat, Member, Pat, PatIdent};

use super::{Resolver, is_constant, plain};
use crate::ir::{Var, VarInfo};

/// Brings the locals of `pattern` into scope and renames them; returns them in the order of the source.
pub(super) fn bind(resolver: &mut Resolver, pattern: &mut Pat) -> Vec<Var> {
    let mut binder = Binder { resolver, bound: Vec::new() };
    binder.pattern(pattern);
    binder.bound.into_iter().map(|(_, var)| var).collect()
}

/// The locals of one pattern. A name that stands in several alternatives is one local.
struct Binder<'a> {
    resolver: &'a mut Resolver,
    bound: Vec<(String, Var)>,
}

impl Binder<'_> {
    fn pattern(&mut self, pattern: &mut Pat) {
        match pattern {
            Pat::Ident(ident) => self.ident(ident),
            Pat::Guard(guarded) => self.pattern(&mut guarded.pat),
            Pat::Or(or) => self.all(or.cases.iter_mut()),
            Pat::Paren(paren) => self.pattern(&mut paren.pat),
            Pat::Reference(reference) => self.pattern(&mut reference.pat),
            Pat::Slice(slice) => self.all(slice.elems.iter_mut()),
            Pat::Struct(fields) => fields.fields.iter_mut().for_each(|field| self.field(field)),
            Pat::Tuple(tuple) => self.all(tuple.elems.iter_mut()),
            Pat::TupleStruct(tuple) => self.all(tuple.elems.iter_mut()),
            Pat::Type(typed) => self.typed(typed),
            _ => {}
        }
    }

    fn all<'p>(&mut self, patterns: impl Iterator<Item = &'p mut Pat>) {
        for pattern in patterns {
            self.pattern(pattern);
        }
    }

    fn ident(&mut self, ident: &mut PatIdent) {
        let bare = ident.subpat.is_none() && ident.by_ref.is_none() && ident.mutability.is_none();
        if bare && is_constant(&ident.ident) {
            return;
        }
        let name = plain(&ident.ident);
        let known = self.bound.iter().find(|(known, _)| *known == name).map(|(_, var)| *var);
        let var = known.unwrap_or_else(|| {
            let var = self.resolver.declare(VarInfo::user(ident.ident.clone(), ident.mutability.is_some()));
            self.bound.push((name, var));
            var
        });
        ident.ident = self.resolver.vars.ident_at(var, ident.ident.span());
        if let Some((_, subpattern)) = &mut ident.subpat {
            self.pattern(subpattern);
        }
    }

    /// `Foo { x }` → `Foo { x: x }`.
    fn field(&mut self, field: &mut FieldPat) {
        if let (None, Member::Named(name)) = (field.colon_token, &field.member) {
            field.colon_token = Some(syn::Token![:](name.span()));
        }
        self.pattern(&mut field.pat);
    }

    /// A type on a single name is the local's type.
    fn typed(&mut self, typed: &mut syn::PatType) {
        self.pattern(&mut typed.pat);
        if let (Pat::Ident(ident), Some(var)) = (&*typed.pat, self.bound.last().map(|(_, var)| *var))
            && Var::of(&ident.ident) == Some(var)
        {
            self.resolver.vars.get_mut(var).ty = Some((*typed.ty).clone());
        }
    }
}
