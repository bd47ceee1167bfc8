//! Places: what can be borrowed again on resume.

use syn::{Expr, Member, UnOp};

use super::Var;

/// Whether `expr` is a path of fields, tuple indices and `*` on a local; returns the local.
pub(crate) fn root(expr: &Expr) -> Option<Var> {
    match expr {
        Expr::Path(path) => Var::of(path.path.get_ident()?),
        Expr::Field(field) => match field.member {
            Member::Named(_) | Member::Unnamed(_) => root(&field.base),
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => root(&unary.expr),
        Expr::Paren(paren) => root(&paren.expr),
        Expr::Group(group) => root(&group.expr),
        _ => None,
    }
}

/// Whether `expr` can be evaluated again and means the same place: a place whose indices are places or literals too.
pub(crate) fn is_stable(expr: &Expr) -> bool {
    match expr {
        Expr::Index(index) => is_stable(&index.expr) && is_plain(&index.index),
        Expr::Field(field) => is_stable(&field.base),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => is_stable(&unary.expr),
        Expr::Paren(paren) => is_stable(&paren.expr),
        Expr::Group(group) => is_stable(&group.expr),
        _ => root(expr).is_some(),
    }
}

/// Whether evaluating `expr` twice makes no difference: a literal, a constant or a place.
fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Range(range) => [&range.start, &range.end].into_iter().flatten().all(|end| is_plain(end)),
        _ => root(expr).is_some(),
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
