//! Operands that are evaluated before an await, and needed after it.

use syn::{Expr, ExprPath, UnOp, spanned::Spanned};

use super::{
    Lowerer,
    query::{is_place, known_type},
};
use crate::ir::{Var, place::bare};

/// How an operand is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Its value is moved or copied when it is evaluated.
    Value,
    /// It is borrowed, so a place is as good after the await as before: nothing else may change it.
    Place,
}

impl Lowerer {
    /// Keeps an evaluated operand over an await: in a local, unless evaluating it later makes no difference.
    pub(super) fn spill(&mut self, operand: Expr, mode: Mode) -> Expr {
        if is_constant(&operand) {
            return operand;
        }
        match operand {
            Expr::Closure(_) => operand,
            Expr::Path(path) => self.spill_path(path, mode),
            Expr::Paren(mut paren) => {
                *paren.expr = self.spill(*paren.expr, mode);
                Expr::Paren(paren)
            }
            Expr::Reference(mut reference) => {
                let inner = self.spill_borrowed(*reference.expr, reference.mutability.is_some());
                reference.expr = Box::new(inner);
                Expr::Reference(reference)
            }
            Expr::Tuple(mut tuple) => {
                tuple.elems = tuple.elems.into_iter().map(|item| self.spill(item, Mode::Value)).collect();
                Expr::Tuple(tuple)
            }
            Expr::Array(mut array) => {
                array.elems = array.elems.into_iter().map(|item| self.spill(item, Mode::Value)).collect();
                Expr::Array(array)
            }
            Expr::Range(mut range) => {
                range.start = range.start.map(|end| Box::new(self.spill(*end, Mode::Value)));
                range.end = range.end.map(|end| Box::new(self.spill(*end, Mode::Value)));
                Expr::Range(range)
            }
            operand if mode == Mode::Place => self.spill_borrowed(operand, true),
            operand => self.spill_value(&operand, false),
        }
    }

    /// Keeps what is borrowed: a place stays, with its indices kept; anything else gets a name.
    fn spill_borrowed(&mut self, operand: Expr, mutable: bool) -> Expr {
        match operand {
            Expr::Path(_) => operand,
            Expr::Field(mut field) if is_place(&field.base) => {
                *field.base = self.spill_borrowed(*field.base, mutable);
                Expr::Field(field)
            }
            Expr::Unary(mut unary) if matches!(unary.op, UnOp::Deref(_)) && is_place(&unary.expr) => {
                *unary.expr = self.spill_borrowed(*unary.expr, mutable);
                Expr::Unary(unary)
            }
            Expr::Index(mut index) if is_place(&index.expr) => {
                *index.expr = self.spill_borrowed(*index.expr, mutable);
                *index.index = self.spill(*index.index, Mode::Value);
                Expr::Index(index)
            }
            Expr::Paren(paren) => self.spill_borrowed(*paren.expr, mutable),
            operand if is_constant(&operand) => operand,
            operand => self.spill_value(&operand, mutable),
        }
    }

    /// A local is moved or copied; a reference that is taken again on resume is not.
    fn spill_path(&mut self, path: ExprPath, mode: Mode) -> Expr {
        let var = path.path.get_ident().and_then(Var::of);
        let stays = mode == Mode::Place || var.is_none_or(|var| self.vars.get(var).alias.is_some());
        let path = Expr::Path(path);
        if stays { path } else { self.spill_value(&path, false) }
    }

    fn spill_value(&mut self, operand: &Expr, mutable: bool) -> Expr {
        let ty = known_type(&self.vars, operand);
        let kept = self.bind("operand", operand.span(), mutable, operand);
        if let Expr::Path(path) = &kept
            && let Some(var) = path.path.get_ident().and_then(Var::of)
        {
            self.vars.get_mut(var).ty = ty;
        }
        kept
    }
}

/// Whether an expression means the same wherever it is evaluated: literals, constants, functions, and tuples, arrays and
/// borrows of these.
pub(super) fn is_constant(expr: &Expr) -> bool {
    match bare(expr) {
        Expr::Lit(_) => true,
        Expr::Path(path) => path.path.get_ident().and_then(Var::of).is_none(),
        Expr::Unary(unary) => matches!(unary.op, UnOp::Neg(_)) && is_constant(&unary.expr),
        Expr::Reference(reference) => reference.mutability.is_none() && is_constant(&reference.expr),
        Expr::Tuple(tuple) => tuple.elems.iter().all(is_constant),
        Expr::Array(array) => array.elems.iter().all(is_constant),
        _ => false,
    }
}
