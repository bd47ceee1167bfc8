//! Puts the parts of a local in its place.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{
    Arm, Block, Expr, ExprForLoop, ExprIf, ExprWhile, Ident, Macro, Pat, Stmt, parse_quote,
    visit::Visit,
    visit_mut::{self, VisitMut},
};

use super::{
    Body, Split,
    uses::{Fields, Uses, field_of_local},
};
use crate::{
    ir::{Var, VarInfo, VarSet, VarTable},
    parse::macros::Arguments,
};

/// Splits the locals of a body; returns their parts.
pub(super) fn split(body: &mut Body, uses: &Uses, vars: &[Var]) -> Split {
    let split: Split = vars.iter().map(|&var| (var, parts(&mut body.vars, uses, var))).collect();
    let rewriter = Rewriter { vars: &body.vars, split: &split };
    let params: VarSet = body.params.iter().copied().collect();
    for stmt in &body.prologue {
        // A parameter's pattern binds in front of the body.
        if let Stmt::Local(local) = stmt {
            rewriter.begin_block(&mut body.block, &bound(&local.pat));
        }
    }
    rewriter.begin_block(&mut body.block, &params);
    Definitions(&rewriter).visit_block_mut(&mut body.block);
    split
}

/// New locals for the parts of a local: `order.customer.name` is `order_customer_name`.
fn parts(vars: &mut VarTable, uses: &Uses, var: Var) -> Vec<(Fields, Var)> {
    let info = vars.get(var).clone();
    let part = |fields: &Fields| {
        let mut name = info.ident.to_string().trim_start_matches("r#").to_owned();
        for member in fields {
            name.push('_');
            name.push_str(member.to_token_stream().to_string().trim_start_matches("r#"));
        }
        let ident = Ident::new(&name, info.ident.span());
        (fields.clone(), vars.add(VarInfo { made: true, ..VarInfo::user(ident, info.mutable) }))
    };
    uses.fields(var).map(part).collect()
}

struct Rewriter<'s> {
    vars: &'s VarTable,
    split: &'s Split,
}

impl Rewriter<'_> {
    /// `let order_items = order.items;` for each part of the split locals among `bound`.
    fn lets(&self, bound: &VarSet) -> Vec<Stmt> {
        let split = self.split.iter().filter(|(var, _)| bound.contains(**var));
        split
            .flat_map(|(&var, parts)| {
                let whole = self.vars.ident(var);
                let mutable = self.vars.get(var).mutable.then(|| syn::Token![mut](Span::call_site()));
                parts.iter().map(move |(fields, part)| {
                    let part = self.vars.ident(*part);
                    parse_quote!(let #mutable #part = #whole #(.#fields)*;)
                })
            })
            .collect()
    }

    /// Splits locals at the begin of a block.
    fn begin_block(&self, block: &mut Block, bound: &VarSet) {
        let lets = self.lets(bound);
        if !lets.is_empty() {
            self.replace(bound, |replacer| replacer.visit_block_mut(block));
            block.stmts.splice(0..0, lets);
        }
    }

    /// Replaces the uses of fields of the split locals among `bound`.
    fn replace(&self, bound: &VarSet, visit: impl FnOnce(&mut Replacer<'_>)) {
        visit(&mut Replacer { rewriter: self, bound });
    }
}

/// Finds where split locals are bound.
struct Definitions<'s>(&'s Rewriter<'s>);

impl VisitMut for Definitions<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let mut index = 0;
        while index < block.stmts.len() {
            self.visit_stmt_mut(&mut block.stmts[index]);
            index += 1;
            let Stmt::Local(local) = &block.stmts[index - 1] else { continue };
            let bound = bound(&local.pat);
            let lets = self.0.lets(&bound);
            if lets.is_empty() {
                continue;
            }
            self.0.replace(&bound, |replacer| {
                for later in &mut block.stmts[index..] {
                    replacer.visit_stmt_mut(later);
                }
            });
            let count = lets.len();
            block.stmts.splice(index..index, lets);
            index += count;
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        visit_mut::visit_arm_mut(self, arm);
        let bound = bound(&arm.pat);
        let lets = self.0.lets(&bound);
        if !lets.is_empty() {
            self.0.replace(&bound, |replacer| replacer.visit_expr_mut(&mut arm.body));
            let body = &arm.body;
            arm.body = parse_quote!({ #(#lets)* #body });
        }
    }

    fn visit_expr_for_loop_mut(&mut self, repeat: &mut ExprForLoop) {
        visit_mut::visit_expr_for_loop_mut(self, repeat);
        self.0.begin_block(&mut repeat.body, &bound(&repeat.pat));
    }

    fn visit_expr_if_mut(&mut self, branch: &mut ExprIf) {
        visit_mut::visit_expr_if_mut(self, branch);
        self.0.begin_block(&mut branch.then_branch, &bound_by(&branch.cond));
    }

    fn visit_expr_while_mut(&mut self, repeat: &mut ExprWhile) {
        visit_mut::visit_expr_while_mut(self, repeat);
        self.0.begin_block(&mut repeat.body, &bound_by(&repeat.cond));
    }
}

/// `order.items.len()` → `order_items.len()`.
struct Replacer<'s> {
    rewriter: &'s Rewriter<'s>,
    bound: &'s VarSet,
}

impl VisitMut for Replacer<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if matches!(expr, Expr::Field(_))
            && let Some((var, fields)) = field_of_local(expr)
            && self.bound.contains(var)
            && let Some(parts) = self.rewriter.split.get(&var)
            && let Some((_, part)) = parts.iter().find(|(known, _)| *known == fields)
        {
            let ident = self.rewriter.vars.ident(*part);
            *expr = parse_quote!(#ident);
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let Some(mut arguments) = Arguments::of(mac) else { return };
        for argument in &mut arguments.args {
            self.visit_expr_mut(&mut argument.expr);
        }
        if let Some((_, Some(guard))) = &mut arguments.matched {
            self.visit_expr_mut(guard);
        }
        mac.tokens = arguments.tokens();
    }
}

/// The locals that a pattern binds.
fn bound(pattern: &Pat) -> VarSet {
    let mut names = Bound(VarSet::new());
    names.visit_pat(pattern);
    names.0
}

/// The locals that a condition binds.
fn bound_by(condition: &Expr) -> VarSet {
    let mut names = Bound(VarSet::new());
    names.visit_expr(condition);
    names.0
}

struct Bound(VarSet);

impl Visit<'_> for Bound {
    fn visit_pat_ident(&mut self, ident: &syn::PatIdent) {
        self.0.extend(Var::of(&ident.ident));
        syn::visit::visit_pat_ident(self, ident);
    }

    fn visit_expr_closure(&mut self, _: &syn::ExprClosure) {}

    fn visit_expr_block(&mut self, _: &syn::ExprBlock) {}
}
