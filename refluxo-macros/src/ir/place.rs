//! Places: what can be borrowed again on resume.

use syn::{Expr, UnOp};

use super::Var;

/// The local at the root of a place: of a path of fields, tuple indices and `*`.
pub(crate) fn root(expr: &Expr) -> Option<Var> {
    match expr {
        Expr::Path(path) => Var::of(path.path.get_ident()?),
        Expr::Field(field) => root(&field.base),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => root(&unary.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        _ => None,
    }
}

/// `expr` without the parentheses around it.
pub(crate) fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => bare(&paren.expr),
        Expr::Group(group) => bare(&group.expr),
        _ => expr,
    }
}
