//! The branches of a form.

use syn::{Expr, ExprMethodCall, spanned::Spanned, visit_mut::VisitMut};

use super::{Desugar, call_by_path};
use crate::{
    ir::{form::Form, place::bare},
    messages::Message,
};

impl Desugar<'_> {
    /// A branch: a call, a timed call or an `async move` block.
    pub(super) fn branch(&mut self, branch: &Expr) -> Expr {
        let inner = match bare(branch) {
            Expr::Async(block) => {
                if block.capture.is_none() {
                    return self.refuse(block.async_token, &Message::BranchNotMove);
                }
                let mut block = block.clone();
                let outer = std::mem::take(&mut self.hoisted);
                self.visit_block_mut(&mut block.block);
                self.hoisted = outer;
                Expr::Async(block)
            }
            Expr::Await(awaited) => return self.refuse(awaited.await_token, &Message::BranchAwaited),
            Expr::MethodCall(timed) if is_timed_call(timed) => self.timed(timed),
            call if call_by_path(call).is_some() => self.call(call.clone()),
            other => return self.refuse(other, &Message::BranchNotACall),
        };
        Form::Branch.call(super::own(branch.span()), [inner])
    }
}

/// Whether it is `CALL.timeout(d)`. A timeout behind another one is told elsewhere.
fn is_timed_call(timed: &ExprMethodCall) -> bool {
    timed.method == "timeout"
        && match bare(&timed.receiver) {
            Expr::MethodCall(inner) => is_timed_call(inner),
            receiver => call_by_path(receiver).is_some(),
        }
}
