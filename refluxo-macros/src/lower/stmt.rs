//! Statements.

use syn::{Attribute, Expr, ExprMacro, Local, Macro, Pat, Stmt, parse_quote, spanned::Spanned};

use super::{
    Binding, Dest, Lowerer,
    alias::is_certain,
    is_unit,
    query::{awaits_in_stmt, expr_attributes, has_await, is_place, is_text, known_type},
};
use crate::ir::{Var, marker::Marker, place::bare};

impl Lowerer {
    /// Lowers the statements of a block whose value goes to `dest`.
    pub(super) fn stmts(&mut self, stmts: Vec<Stmt>, dest: &Dest) {
        let mut tail = None;
        let count = stmts.len();
        for (index, stmt) in stmts.into_iter().enumerate() {
            match stmt {
                Stmt::Expr(expr, None) if index + 1 == count => tail = Some(expr),
                stmt => self.stmt(stmt),
            }
        }
        match tail {
            Some(expr) => self.tail(expr, dest),
            None if self.open => self.give(dest, &parse_quote!(())),
            None => {}
        }
    }

    /// Lowers the value of a block.
    fn tail(&mut self, mut expr: Expr, dest: &Dest) {
        self.name_state(&mut expr);
        if has_await(&expr) {
            self.control(expr, dest);
        } else {
            let expr = self.verbatim(expr);
            if diverges(&expr) {
                self.emit_end(expr);
            } else {
                self.give(dest, &expr);
            }
        }
    }

    /// Lowers a statement.
    pub(super) fn stmt(&mut self, stmt: Stmt) {
        match stmt {
            Stmt::Local(local) => self.local(local),
            Stmt::Item(item) => self.items.push(item),
            Stmt::Macro(mac) if awaits_in_stmt(&Stmt::Macro(mac.clone())) > 0 => {
                let mut expr = Expr::Macro(ExprMacro { attrs: mac.attrs, mac: mac.mac });
                self.name_state(&mut expr);
                self.control(expr, &Dest::Discard);
            }
            Stmt::Expr(mut expr, semi) => {
                self.name_state(&mut expr);
                if has_await(&expr) {
                    self.control(expr, &Dest::Discard);
                } else {
                    let ends = diverges(&expr);
                    let stmt = self.verbatim_stmt(Stmt::Expr(expr, semi));
                    self.emit(stmt);
                    self.open &= !ends;
                }
            }
            stmt @ Stmt::Macro(_) => {
                let stmt = self.verbatim_stmt(stmt);
                self.emit(stmt);
            }
        }
    }

    /// Takes the name that `#[state(Name)]` gives the await of an expression.
    pub(super) fn name_state(&mut self, expr: &mut Expr) {
        self.name_state_by(expr_attributes(expr));
    }

    /// Takes the name that `#[state(Name)]` among these attributes gives the next await.
    pub(super) fn name_state_by(&mut self, attrs: &[Attribute]) {
        let name = state_name(attrs);
        if name.is_some() {
            self.state_name = name;
        }
    }

    /// Lowers `let PATTERN: TYPE = INIT else { … };`.
    fn local(&mut self, mut local: Local) {
        self.name_state_by(&local.attrs);
        local.attrs.retain(|attr| !attr.path().is_ident("state"));
        self.learn_type(&local);
        // `let x;` says nothing but the type: the blocks that assign `x` declare it.
        let Some(init) = local.init.take() else { return };
        let (expr, diverge) = (*init.expr, init.diverge);
        if diverge.is_none() && self.local_of_construct(&local, &expr) {
            return;
        }
        let value = self.initial_value(expr);
        self.note_binding(&local.pat, &value);
        let (pattern, attrs) = (&local.pat, &local.attrs);
        match diverge {
            None => self.emit(parse_quote!(#(#attrs)* let #pattern = #value;)),
            Some((_, otherwise)) => {
                let otherwise = self.branch(|this| this.control(*otherwise, &Dest::Discard));
                self.emit(parse_quote!(#(#attrs)* let #pattern = #value else #otherwise;));
            }
        }
    }

    /// `let x = if … { … }`: each branch binds `x` itself. Returns whether that was so.
    fn local_of_construct(&mut self, local: &Local, init: &Expr) -> bool {
        let construct = matches!(
            bare(init),
            Expr::If(_) | Expr::Match(_) | Expr::Block(_) | Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_)
        );
        if !construct || !has_await(init) {
            return false;
        }
        let (pattern, ty) = match &local.pat {
            Pat::Type(typed) => ((*typed.pat).clone(), Some((*typed.ty).clone())),
            pattern => (pattern.clone(), None),
        };
        let Pat::Ident(ident) = &pattern else { return false };
        let Some(_) = Var::of(&ident.ident).filter(|_| ident.by_ref.is_none() && ident.subpat.is_none())
        else {
            return false;
        };
        self.control(bare(init).clone(), &Dest::Let(Box::new(Binding { pattern, ty })));
        true
    }

    /// The value of a `let`. What `&` borrows gets a name, so that it can be borrowed again: `&make()` → `&made`.
    fn initial_value(&mut self, expr: Expr) -> Expr {
        let Expr::Reference(mut reference) = expr else { return self.expr(expr) };
        let inner = self.expr(*reference.expr);
        let mutable = reference.mutability.is_some();
        reference.expr = if is_place(&inner) || is_certain(&inner) || is_unit(&inner) {
            Box::new(inner)
        } else {
            Box::new(self.bind("borrowed", inner.span(), mutable, &inner))
        };
        Expr::Reference(reference)
    }

    /// Learns the type of `let x = …` where that can be named.
    fn learn_type(&mut self, local: &Local) {
        let (Pat::Ident(ident), Some(init)) = (&local.pat, &local.init) else { return };
        let Some(var) = Var::of(&ident.ident).filter(|_| ident.by_ref.is_none()) else { return };
        self.vars.get_mut(var).literal = ident.mutability.is_none() && is_text(&init.expr);
        if let Some(ty) = known_type(&self.vars, &init.expr) {
            self.vars.get_mut(var).ty = Some(ty);
        }
    }
}

/// Whether nothing follows an expression.
pub(super) fn diverges(expr: &Expr) -> bool {
    match expr {
        Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => true,
        Expr::Macro(mac) => is_goto(&mac.mac),
        Expr::Block(block) if block.label.is_none() => match block.block.stmts.last() {
            Some(Stmt::Expr(last, _)) => diverges(last),
            Some(Stmt::Macro(mac)) => is_goto(&mac.mac),
            _ => false,
        },
        _ => false,
    }
}

fn is_goto(mac: &Macro) -> bool {
    matches!(Marker::of(mac), Some(Marker::Goto(_)))
}

/// The name in `#[state(Name)]`.
pub(super) fn state_name(attrs: &[Attribute]) -> Option<syn::Ident> {
    attrs.iter().find(|attr| attr.path().is_ident("state"))?.parse_args().ok()
}
