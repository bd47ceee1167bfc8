//! Questions about syntax.

use proc_macro2::Span;
use syn::{
    Attribute, Expr, ExprAsync, ExprAwait, ExprClosure, Item, Macro, Stmt, Type, parse_quote,
    visit::{self, Visit},
};

use crate::{
    ir::{Var, VarTable, form::Form, place::bare},
    parse::macros::Arguments,
};

/// Counts the awaits that belong to the workflow itself.
#[derive(Default)]
struct Awaits {
    count: usize,
    first: Option<Span>,
}

impl<'a> Visit<'a> for Awaits {
    fn visit_expr_await(&mut self, expr: &'a ExprAwait) {
        visit::visit_expr_await(self, expr);
        self.count += 1;
        self.first.get_or_insert(expr.await_token.span);
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        let Some(arguments) = Arguments::of(mac) else { return };
        for argument in &arguments.args {
            self.visit_owned(&argument.expr);
        }
    }

    fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}

    fn visit_expr_async(&mut self, _: &'a ExprAsync) {}

    fn visit_item(&mut self, _: &'a Item) {}
}

impl Awaits {
    /// Visits an expression that does not live as long as the tree.
    fn visit_owned(&mut self, expr: &Expr) {
        let mut inner = Awaits::default();
        inner.visit_expr(expr);
        self.count += inner.count;
        self.first = self.first.or(inner.first);
    }
}

/// The place of the first await in an expression.
pub(crate) fn first_await(expr: &Expr) -> Option<Span> {
    let mut awaits = Awaits::default();
    awaits.visit_expr(expr);
    awaits.first
}

/// How many awaits a statement has.
pub(crate) fn awaits_in_stmt(stmt: &Stmt) -> usize {
    let mut awaits = Awaits::default();
    awaits.visit_stmt(stmt);
    awaits.count
}

/// Whether an expression has an await.
pub(super) fn has_await(expr: &Expr) -> bool {
    let mut awaits = Awaits::default();
    awaits.visit_expr(expr);
    awaits.count > 0
}

/// Whether one of the expressions has an await.
pub(super) fn any_await<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
    exprs.into_iter().any(has_await)
}

/// The type of an expression, where the macro can name it with certainty.
pub(super) fn known_type(vars: &VarTable, expr: &Expr) -> Option<Type> {
    match bare(expr) {
        Expr::Await(awaited) => awaited_type(&awaited.base),
        Expr::Try(tried) => {
            let ty = known_type(vars, &tried.expr)?;
            Some(parse_quote!(<#ty as ::refluxo::__private::Tried>::Value))
        }
        Expr::Cast(cast) => {
            Some((*cast.ty).clone()).filter(|ty| !matches!(ty, Type::Infer(_) | Type::Ptr(_)))
        }
        Expr::Lit(lit) => literal_type(&lit.lit),
        Expr::Path(path) => {
            let var = Var::of(path.path.get_ident()?)?;
            let info = vars.get(var);
            info.ty.clone().filter(|_| info.alias.is_none())
        }
        _ => None,
    }
}

/// The type of what awaiting a call or a form gives.
fn awaited_type(operand: &Expr) -> Option<Type> {
    let Some((form, call)) = Form::of_call(bare(operand)) else {
        let Expr::Call(call) = bare(operand) else { return None };
        let Expr::Path(path) = &*call.func else { return None };
        return Some(parse_quote!(<#path as ::refluxo::__private::Suspend>::Output));
    };
    let mut branches = call.args.iter().map(awaited_type);
    match form {
        Form::Branch => branches.next()?,
        Form::Timeout => {
            let ty = branches.next()??;
            Some(parse_quote!(::core::result::Result<#ty, ::refluxo::__private::Elapsed>))
        }
        Form::Spawn => Some(parse_quote!(::refluxo::__private::RunId)),
        Form::Join => {
            let types = branches.collect::<Option<Vec<_>>>()?;
            Some(parse_quote!((#(#types,)*)))
        }
        Form::TryJoin | Form::Select | Form::JoinAll | Form::Undo => None,
    }
}

/// Whether the value of an expression is a string literal on every path that gives one.
pub(super) fn is_text(expr: &Expr) -> bool {
    let block =
        |block: &syn::Block| matches!(block.stmts.last(), Some(Stmt::Expr(tail, None)) if is_text(tail));
    match bare(expr) {
        Expr::Lit(lit) => matches!(lit.lit, syn::Lit::Str(_)),
        Expr::Block(inner) => inner.label.is_none() && block(&inner.block),
        Expr::If(branch) => {
            block(&branch.then_branch)
                && branch.else_branch.as_ref().is_some_and(|(_, otherwise)| is_text(otherwise))
        }
        Expr::Match(choice) => {
            let values = choice.arms.iter().map(|arm| &*arm.body);
            let mut values = values.filter(|value| !super::stmt::diverges(value)).peekable();
            values.peek().is_some() && values.all(is_text)
        }
        _ => false,
    }
}

/// The type of a literal that has only one.
fn literal_type(lit: &syn::Lit) -> Option<Type> {
    let suffix = match lit {
        syn::Lit::Int(int) => int.suffix(),
        syn::Lit::Float(float) => float.suffix(),
        syn::Lit::Bool(_) => "bool",
        syn::Lit::Char(_) => "char",
        _ => "",
    };
    syn::parse_str(suffix).ok()
}

/// A place expression in the wide sense: what can be borrowed without a temporary.
pub(super) fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::Index(index) => is_place(&index.expr),
        Expr::Unary(unary) => matches!(unary.op, syn::UnOp::Deref(_)) && is_place(&unary.expr),
        Expr::Paren(paren) => is_place(&paren.expr),
        Expr::Group(group) => is_place(&group.expr),
        _ => false,
    }
}

/// The attributes of an expression.
pub(crate) fn expr_attributes(expr: &Expr) -> &[Attribute] {
    macro_rules! attributes {
        ($($variant:ident)*) => {
            match expr {
                $(Expr::$variant(expr) => &expr.attrs,)*
                _ => &[],
            }
        };
    }
    attributes!(Array Assign Await Binary Block Break Call Cast Field ForLoop If Index Loop Macro Match MethodCall
        Paren Reference Return Struct Try Tuple Unary While)
}
