//! The rules for an `async move` block that is a branch.

use proc_macro2::Span;
use syn::{
    Block, ExprAsync, ExprBlock, ExprBreak, ExprClosure, ExprContinue, ExprForLoop, ExprLoop, ExprWhile,
    Ident, Item, Label, Lifetime,
    visit::{self, Visit},
};

use crate::{diag::Errors, messages::Message};

/// A branch runs beside others, so nothing in it jumps to what is around it.
pub(super) fn check(errors: &Errors, block: &Block) {
    Jumps { errors, loops: 0, labels: Vec::new() }.visit_block(block);
}

/// Looks for jumps that leave the block.
struct Jumps<'e> {
    errors: &'e Errors,
    /// How many loops are around, inside of the block.
    loops: usize,
    /// The labels that are in scope, and are inside of the block.
    labels: Vec<Ident>,
}

impl Jumps<'_> {
    /// Visits the body of a loop, or of a labelled block.
    fn within(&mut self, is_loop: bool, label: Option<&Label>, visit: impl FnOnce(&mut Self)) {
        self.loops += usize::from(is_loop);
        self.labels.extend(label.map(|label| label.name.ident.clone()));
        visit(self);
        if label.is_some() {
            self.labels.pop();
        }
        self.loops -= usize::from(is_loop);
    }

    fn jump(&self, jump: &'static str, place: Span, label: Option<&Lifetime>) {
        let stays = match label {
            Some(label) => self.labels.contains(&label.ident),
            None => self.loops > 0,
        };
        if !stays {
            self.errors.at(place, &Message::JumpOutOfBranch(jump));
        }
    }
}

impl<'a> Visit<'a> for Jumps<'_> {
    fn visit_expr_break(&mut self, jump: &'a ExprBreak) {
        self.jump("break", jump.break_token.span, jump.label.as_ref());
        visit::visit_expr_break(self, jump);
    }

    fn visit_expr_continue(&mut self, jump: &'a ExprContinue) {
        self.jump("continue", jump.continue_token.span, jump.label.as_ref());
    }

    fn visit_expr_loop(&mut self, repeat: &'a ExprLoop) {
        self.within(true, repeat.label.as_ref(), |this| visit::visit_expr_loop(this, repeat));
    }

    fn visit_expr_while(&mut self, repeat: &'a ExprWhile) {
        self.within(true, repeat.label.as_ref(), |this| visit::visit_expr_while(this, repeat));
    }

    fn visit_expr_for_loop(&mut self, repeat: &'a ExprForLoop) {
        self.visit_expr(&repeat.expr);
        self.within(true, repeat.label.as_ref(), |this| this.visit_block(&repeat.body));
    }

    fn visit_expr_block(&mut self, block: &'a ExprBlock) {
        self.within(false, block.label.as_ref(), |this| visit::visit_expr_block(this, block));
    }

    /// Told by rustc, in its own words.
    fn visit_expr_closure(&mut self, _: &'a ExprClosure) {}

    /// A branch inside of this one is looked at by itself.
    fn visit_expr_async(&mut self, _: &'a ExprAsync) {}

    fn visit_item(&mut self, _: &'a Item) {}
}
