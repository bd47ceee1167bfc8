//! `break` and `continue` in code that stays as it was written, out of constructs that were split.

use syn::{
    Expr, ExprBreak, ExprClosure, ExprContinue, Ident, Item, Label, Lifetime, Macro, Stmt, parse_quote,
    visit_mut::{self, VisitMut},
};

use super::{Dest, Lowerer, Target};
use crate::{
    ir::{BlockId, marker::Marker},
    parse::macros::Arguments,
};

impl Lowerer {
    /// Turns the jumps of an expression without awaits into markers.
    pub(super) fn verbatim(&mut self, mut expr: Expr) -> Expr {
        self.jumps(|jumps| jumps.visit_expr_mut(&mut expr));
        expr
    }

    /// Turns the jumps of a statement without awaits into markers.
    pub(super) fn verbatim_stmt(&mut self, mut stmt: Stmt) -> Stmt {
        self.jumps(|jumps| jumps.visit_stmt_mut(&mut stmt));
        stmt
    }

    fn jumps(&mut self, visit: impl FnOnce(&mut Jumps<'_>)) {
        let mut jumps = Jumps { targets: &self.targets, inner: Vec::new(), reached: Vec::new() };
        visit(&mut jumps);
        let reached = jumps.reached;
        self.reached.extend(reached);
    }

    /// The construct that a `break` or `continue` leaves.
    pub(super) fn target(&self, label: Option<&Lifetime>) -> Option<&Target> {
        find(&self.targets, label)
    }
}

fn find<'t>(targets: &'t [Target], label: Option<&Lifetime>) -> Option<&'t Target> {
    targets.iter().rev().find(|target| match label {
        Some(label) => target.label.as_ref() == Some(&label.ident),
        None => target.head.is_some(),
    })
}

struct Jumps<'t> {
    targets: &'t [Target],
    /// The loops and labelled blocks around that were not split: a loop's label, and whether it is a loop.
    inner: Vec<(Option<Ident>, bool)>,
    reached: Vec<BlockId>,
}

impl Jumps<'_> {
    /// Visits the inside of a loop or a labelled block.
    fn inside(&mut self, label: Option<&Label>, is_loop: bool, visit: impl FnOnce(&mut Self)) {
        self.inner.push((label.map(|label| label.name.ident.clone()), is_loop));
        visit(self);
        self.inner.pop();
    }

    /// The split construct that a jump leaves, unless it stays inside verbatim code.
    fn target(&self, label: Option<&Lifetime>) -> Option<Target> {
        let stays = self.inner.iter().any(|(known, is_loop)| match label {
            Some(label) => known.as_ref() == Some(&label.ident),
            None => *is_loop,
        });
        if stays { None } else { find(self.targets, label).cloned() }
    }

    fn goto(&mut self, block: BlockId) -> Expr {
        self.reached.push(block);
        Marker::Goto(block).expr()
    }

    /// `break value` → `{ let local = value; goto }`.
    fn leave(&mut self, target: &Target, value: Option<Box<Expr>>) -> Expr {
        let value = value.map(|value| *value);
        match &target.dest {
            Dest::Return => match value {
                Some(value) => parse_quote!(return #value),
                None => parse_quote!(return ()),
            },
            Dest::Discard => {
                let goto = self.goto(target.exit);
                match value {
                    Some(value) => parse_quote!({ #value; #goto }),
                    None => goto,
                }
            }
            Dest::Let(binding) => {
                let goto = self.goto(target.exit);
                let bind = binding.bind(&value.unwrap_or_else(|| parse_quote!(())));
                parse_quote!({ #bind #goto })
            }
        }
    }
}

impl VisitMut for Jumps<'_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Break(ExprBreak { label, expr: value, .. }) => {
                if let Some(value) = value {
                    self.visit_expr_mut(value);
                }
                if let Some(target) = self.target(label.as_ref()) {
                    let value = value.take();
                    *expr = self.leave(&target, value);
                }
            }
            Expr::Continue(ExprContinue { label, .. }) => {
                if let Some(head) = self.target(label.as_ref()).and_then(|target| target.head) {
                    *expr = self.goto(head);
                }
            }
            Expr::Loop(inner) => {
                let label = inner.label.clone();
                self.inside(label.as_ref(), true, |this| this.visit_block_mut(&mut inner.body));
            }
            Expr::While(inner) => {
                let label = inner.label.clone();
                self.inside(label.as_ref(), true, |this| {
                    this.visit_expr_mut(&mut inner.cond);
                    this.visit_block_mut(&mut inner.body);
                });
            }
            Expr::ForLoop(inner) => {
                self.visit_expr_mut(&mut inner.expr);
                let label = inner.label.clone();
                self.inside(label.as_ref(), true, |this| this.visit_block_mut(&mut inner.body));
            }
            Expr::Block(inner) if inner.label.is_some() => {
                let label = inner.label.clone();
                self.inside(label.as_ref(), false, |this| this.visit_block_mut(&mut inner.block));
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let Some(mut arguments) = Arguments::of(mac) else { return };
        for argument in &mut arguments.args {
            self.visit_expr_mut(&mut argument.expr);
        }
        mac.tokens = arguments.tokens();
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}

    fn visit_expr_async_mut(&mut self, _: &mut syn::ExprAsync) {}

    fn visit_item_mut(&mut self, _: &mut Item) {}
}
