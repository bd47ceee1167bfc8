//! Names the parts of a local.

use quote::{ToTokens, quote};
use syn::{
    Expr, ExprAssign, Ident, Macro, Stmt, parse_quote,
    visit_mut::{self, VisitMut},
};

use super::{
    Body,
    uses::{Fields, Uses, field_of_local, local},
};
use crate::{
    ir::{Var, VarInfo, VarTable},
    parse::macros::Arguments,
};

/// Replaces the fields of `whole` by locals that stand for them: `order.items.len()` → `order_items.len()`. A new value of the whole
/// is one of each: `order = next()` → `{ let order_new = next(); order_items = order_new.items; … }`.
pub(super) fn split(body: &mut Body, uses: &Uses, whole: Var) {
    let parts: Vec<(Fields, Var)> =
        uses.fields(whole).map(|fields| (fields.clone(), part(&mut body.vars, whole, fields))).collect();
    let new = uses.is_assigned(whole).then(|| new_value(&mut body.vars, whole));
    Replacer { vars: &body.vars, whole, new, parts: &parts }.visit_block_mut(&mut body.block);
}

/// A local for a new value of `whole`.
fn new_value(vars: &mut VarTable, whole: Var) -> Var {
    let info = vars.get(whole);
    let name = format!("{}_new", info.ident.to_string().trim_start_matches("r#"));
    let (ident, ty) = (Ident::new(&name, info.ident.span()), info.ty.clone());
    vars.add(VarInfo { made: true, ty, ..VarInfo::user(ident, false) })
}

/// A local that stands for a field: `order_customer_name` for `order.customer.name`.
fn part(vars: &mut VarTable, whole: Var, fields: &Fields) -> Var {
    let info = vars.get(whole);
    let mut name = info.ident.to_string().trim_start_matches("r#").to_owned();
    for member in fields {
        name.push('_');
        name.push_str(member.to_token_stream().to_string().trim_start_matches("r#"));
    }
    let ident = Ident::new(&name, info.ident.span());
    let part_of = Some((whole, fields.clone()));
    let mutable = info.mutable;
    vars.add(VarInfo { made: true, part_of, ..VarInfo::user(ident, mutable) })
}

struct Replacer<'s> {
    vars: &'s VarTable,
    whole: Var,
    /// Of which the parts are, where the whole gets a new value.
    new: Option<Var>,
    parts: &'s [(Fields, Var)],
}

impl Replacer<'_> {
    /// The assignments of a new value's fields.
    fn assign(&self, assign: &ExprAssign, new: Var) -> Expr {
        let ty = self.vars.get(new).ty.as_ref().map(|ty| quote!(: #ty));
        let (new, value) = (self.vars.ident(new), &assign.right);
        let parts = self.parts.iter().map(|(fields, part)| -> Stmt {
            let part = self.vars.ident(*part);
            parse_quote!(#part = #new #(.#fields)*;)
        });
        parse_quote!({ let #new #ty = #value; #(#parts)* })
    }
}

impl VisitMut for Replacer<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Field(_) = expr
            && let Some((var, fields)) = field_of_local(expr)
            && var == self.whole
            && let Some((_, part)) = self.parts.iter().find(|(known, _)| *known == fields)
        {
            let ident = self.vars.ident(*part);
            *expr = parse_quote!(#ident);
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
        if let (Expr::Assign(assign), Some(new)) = (&*expr, self.new)
            && local(&assign.left) == Some(self.whole)
        {
            *expr = self.assign(assign, new);
        }
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
