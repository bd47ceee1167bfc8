//! `async move` blocks that are branches of a form: machines of their own.
//!
//! The code of such a block is lowered like that of the workflow, to blocks that stand between those of the code around it: only so can
//! rustc infer its locals together with all others. But nothing jumps into it or out of it. It begins with a state of its own, which
//! saves what the block takes from around it, and there each of these locals gets another name: a local belongs to one machine.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use syn::{
    Attribute, Expr, ExprAsync, ExprForLoop, Ident, Local, Macro, Meta, Pat, parse_quote,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::{Dest, Home, Lowerer, alias::text, stmt::state_name, unreachable_value};
use crate::{
    compile::has_try,
    ir::{
        Alias, Branch, BranchId, Capture, Var, VarInfo, VarSet, VarTable,
        form::Form,
        marker::Marker,
        pattern::{keep, locals},
        place::{bare, root},
        tokens::with_idents,
    },
    liveness::mentions,
};

/// What a block takes from around it: the new name of each local, and what its first state saves.
#[derive(Default)]
struct Captures {
    names: BTreeMap<Var, Var>,
    saved: Vec<Capture>,
}

impl Lowerer {
    // Input:
    //     async move { ship(order).await }
    // Output:
    //     start·!(0)
    /// Lowers a block; returns what stands for its first state.
    fn async_block(&mut self, mut block: ExprAsync) -> Expr {
        if !self.open {
            return unreachable_value();
        }
        let (_, declared) = mentions::of_async(&block);
        let captures = self.captures(&mentions::captured_by_async(&self.vars, &block));
        self.rename(&captures.names, &declared, &mut block);
        let id = BranchId(self.parallel.len());
        let entry = self.new_block();
        self.reached.insert(entry);
        self.parallel.push(Branch {
            entry,
            owner: self.owner,
            captures: captures.saved,
            tried: has_try(&block.block),
            name: state_name(&block.attrs),
            span: block.async_token.span(),
        });
        self.apart(id, |this| {
            this.place(entry);
            this.stmts(block.block.stmts, &Dest::Return);
            this.finish();
        });
        Marker::Start(id).expr()
    }

    /// Lowers the code of a branch, which shares nothing with the code around it.
    fn apart(&mut self, id: BranchId, lower: impl FnOnce(&mut Self)) {
        let seq = std::mem::take(&mut self.seq);
        let home = std::mem::replace(&mut self.home, Home::Nowhere);
        let open = self.open;
        let targets = std::mem::take(&mut self.targets);
        let frozen = std::mem::take(&mut self.frozen);
        let state_name = self.state_name.take();
        let owner = self.owner.replace(id);
        lower(self);
        (self.seq, self.home, self.open) = (seq, home, open);
        (self.targets, self.frozen, self.state_name, self.owner) = (targets, frozen, state_name, owner);
    }

    /// Gives each local that a block takes from around it a name inside. What is taken as a whole is not taken by parts, too.
    fn captures(&mut self, outer: &VarSet) -> Captures {
        let mut captures = Captures::default();
        let is_part = |var: Var| self.vars.whole(var).is_some_and(|whole| outer.contains(whole));
        let (parts, wholes): (Vec<Var>, Vec<Var>) = outer.iter().partition(|&var| is_part(var));
        for var in wholes {
            self.capture(&mut captures, var);
        }
        for var in parts {
            let mut info = self.vars.get(var).clone();
            if let Some((whole, _)) = &mut info.part_of {
                *whole = captures.names.get(whole).copied().unwrap_or(*whole);
            }
            captures.names.insert(var, self.vars.add(info));
        }
        captures
    }

    fn capture(&mut self, captures: &mut Captures, outer: Var) {
        let info = VarInfo { alias: None, deferred: false, part_of: None, ..self.vars.get(outer).clone() };
        let (span, name) = (info.ident.span(), info.ident.to_string());
        let alias = self.vars.get(outer).alias.map(|alias| self.vars.alias(alias).clone());
        let inner = self.vars.add(info);
        captures.names.insert(outer, inner);
        match alias {
            // A constant is the same inside.
            Some(alias) if alias.roots.iter().next().is_none() => {
                let mut pattern = keep(alias.pattern, &|var| var == outer);
                Renamer { vars: &self.vars, names: &captures.names }.visit_pat_mut(&mut pattern);
                self.vars.add_alias(Alias { pattern, ..alias }, [inner]);
            }
            Some(alias) if self.is_exclusive(&alias.source) => {
                let what = match &alias.source {
                    // What a loop walks over, with its cursor.
                    Expr::Call(current) => current.args.first().unwrap_or(&alias.source),
                    source => source,
                };
                self.vars.get_mut(inner).borrow = Some(text(what));
                captures.saved.push(Capture { outer, inner, lent: false });
            }
            alias => {
                if alias.is_none() && !self.lent.contains(outer) {
                    captures.saved.push(Capture { outer, inner, lent: false });
                    return;
                }
                let owner = self.vars.make(name.trim_start_matches("r#"), span);
                let (owner_ident, ident) = (self.vars.ident(owner), self.vars.ident(inner));
                let (pattern, source) = (parse_quote!(#ident), parse_quote!(#owner_ident.lend()));
                let roots = [owner].into_iter().collect();
                self.vars.add_alias(Alias { pattern, source, roots }, [inner]);
                captures.saved.push(Capture { outer, inner: owner, lent: true });
            }
        }
    }

    /// Whether what is bound to a borrow may be changed through it.
    fn is_exclusive(&self, source: &Expr) -> bool {
        match bare(source) {
            Expr::Reference(reference) => reference.mutability.is_some(),
            Expr::MethodCall(call) => {
                call.method.to_string().split('_').any(|word| word == "mut")
                    || self.is_exclusive(&call.receiver)
            }
            Expr::Call(call) => call.args.first().is_some_and(|items| self.is_exclusive(items)),
            Expr::Field(field) => self.is_exclusive(&field.base),
            Expr::Tuple(tuple) => tuple.elems.iter().any(|item| self.is_exclusive(item)),
            Expr::Path(path) => {
                let alias = path.path.get_ident().and_then(Var::of).and_then(|var| self.vars.get(var).alias);
                alias.is_some_and(|alias| self.is_exclusive(&self.vars.alias(alias).source))
            }
            _ => false,
        }
    }

    /// Gives the locals of a block the names that they have inside.
    fn rename(&mut self, names: &BTreeMap<Var, Var>, declared: &VarSet, block: &mut ExprAsync) {
        for var in declared.iter() {
            let shadows = self.vars.get(var).shadows;
            if let Some(inner) = shadows.and_then(|outer| names.get(&outer)) {
                self.vars.get_mut(var).shadows = Some(*inner);
            }
        }
        Renamer { vars: &self.vars, names }.visit_expr_async_mut(block);
    }

    /// Lowers the blocks that are branches of a form.
    pub(super) fn blocks_in(&mut self, form: &mut Expr) {
        Blocks(self).visit_expr_mut(form);
    }

    /// Records that the locals of a pattern may be borrows.
    fn lend(&mut self, pattern: &Pat) {
        self.lent.extend(locals(pattern).into_iter().map(|local| local.var));
    }
}

/// Finds the blocks in a form, also those in the loop of a `join_all!`, which stays as it was written.
struct Blocks<'l>(&'l mut Lowerer);

impl VisitMut for Blocks<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Some((Form::Branch, _)) = Form::of_call(expr)
            && let Expr::Call(call) = expr
            && let Some(Expr::Async(block)) = call.args.first()
        {
            let block = block.clone();
            call.args = [self.0.async_block(block)].into_iter().collect();
        } else {
            visit_mut::visit_expr_mut(self, expr);
        }
    }

    fn visit_expr_for_loop_mut(&mut self, repeat: &mut ExprForLoop) {
        if self.0.is_walk(&repeat.expr) {
            self.0.lend(&repeat.pat);
        }
        visit_mut::visit_expr_for_loop_mut(self, repeat);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        let is_lent = |var: Var| self.0.lent.contains(var);
        if let Some(init) = &local.init
            && (self.0.is_loan(&init.expr) || root(&init.expr).is_some_and(is_lent))
        {
            self.0.lend(&local.pat);
        }
        visit_mut::visit_local_mut(self, local);
    }
}

/// Gives locals other names, in tokens too.
struct Renamer<'r> {
    vars: &'r VarTable,
    names: &'r BTreeMap<Var, Var>,
}

impl Renamer<'_> {
    fn tokens(&mut self, tokens: TokenStream) -> TokenStream {
        with_idents(tokens, &mut |ident| self.visit_ident_mut(ident))
    }
}

impl VisitMut for Renamer<'_> {
    fn visit_ident_mut(&mut self, ident: &mut Ident) {
        if let Some(inner) = Var::of(ident).and_then(|var| self.names.get(&var)) {
            *ident = self.vars.ident_at(*inner, ident.span());
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        mac.tokens = self.tokens(std::mem::take(&mut mac.tokens));
    }

    fn visit_attribute_mut(&mut self, attribute: &mut Attribute) {
        if let Meta::List(list) = &mut attribute.meta {
            list.tokens = self.tokens(std::mem::take(&mut list.tokens));
        }
    }
}
