//! Liveness through Rust's syntax, from the end of a sequence to its begin.

use std::collections::BTreeMap;

use syn::{
    Arm, BinOp, Block as SynBlock, Expr, ExprMatch, Label, Lifetime, Local, Macro, Pat, Stmt,
    visit::{self, Visit},
};

use super::mentions;
use crate::ir::{Await, Block, BlockId, Program, Var, VarSet, VarTable, marker::Marker};

/// The locals that are live at the begin of a block, given those at the begin of others.
pub(super) fn block(program: &Program, live: &BTreeMap<BlockId, VarSet>, block: &Block) -> VarSet {
    Backward { program, vars: &program.vars, live, around: Vec::new() }.stmts(&block.stmts, VarSet::new())
}

struct Backward<'p> {
    program: &'p Program,
    vars: &'p VarTable,
    live: &'p BTreeMap<BlockId, VarSet>,
    around: Vec<Around<'p>>,
}

/// A loop or labelled block inside the sequence.
struct Around<'p> {
    label: Option<&'p Label>,
    /// What is live where `break` leads.
    exit: VarSet,
    /// What is live where `continue` leads; a labelled block has none.
    head: Option<VarSet>,
}

impl<'p> Backward<'p> {
    fn stmts(&mut self, stmts: &'p [Stmt], after: VarSet) -> VarSet {
        stmts.iter().rev().fold(after, |after, stmt| match stmt {
            Stmt::Local(local) => self.local(local, after),
            Stmt::Item(_) => after,
            Stmt::Expr(expr, _) => self.expr(expr, after),
            Stmt::Macro(mac) => self.macro_call(&mac.mac, &mac.attrs, after),
        })
    }

    fn local(&mut self, local: &'p Local, after: VarSet) -> VarSet {
        let mut after = self.without(after, &local.pat);
        let Some(init) = &local.init else { return after };
        if let Some((_, diverge)) = &init.diverge {
            after.union(&self.expr(diverge, VarSet::new()));
        }
        self.expr(&init.expr, after)
    }

    fn block(&mut self, block: &'p SynBlock, after: VarSet) -> VarSet {
        self.stmts(&block.stmts, after)
    }

    fn expr(&mut self, expr: &'p Expr, after: VarSet) -> VarSet {
        match expr {
            Expr::Path(path) => with(after, path.path.get_ident().and_then(Var::of)),
            Expr::Assign(assign) => {
                let mut before = after;
                if let Some(var) = assigned(&assign.left) {
                    before.remove(var);
                } else {
                    before = self.expr(&assign.left, before);
                }
                self.expr(&assign.right, before)
            }
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
                let right = self.expr(&binary.right, after.clone());
                self.expr(&binary.left, union(after, &right))
            }
            Expr::Block(block) => match &block.label {
                None => self.block(&block.block, after),
                Some(label) => {
                    self.inside(Some(label), after.clone(), None, |this| this.block(&block.block, after))
                }
            },
            Expr::Unsafe(block) => self.block(&block.block, after),
            Expr::If(branch) => {
                let then = self.block(&branch.then_branch, after.clone());
                let otherwise = match &branch.else_branch {
                    Some((_, otherwise)) => self.expr(otherwise, after),
                    None => after,
                };
                self.condition(&branch.cond, then, &otherwise)
            }
            Expr::Match(choice) => self.choice(choice, &after),
            Expr::Loop(repeat) => {
                self.repeated(repeat.label.as_ref(), &after, |this, head| this.block(&repeat.body, head))
            }
            Expr::While(repeat) => self.repeated(repeat.label.as_ref(), &after, |this, head| {
                let body = this.block(&repeat.body, head);
                this.condition(&repeat.cond, body, &after)
            }),
            Expr::ForLoop(repeat) => {
                let head = self.repeated(repeat.label.as_ref(), &after, |this, head| {
                    let body = this.block(&repeat.body, head);
                    union(this.without(body, &repeat.pat), &after)
                });
                self.expr(&repeat.expr, head)
            }
            Expr::Break(jump) => {
                let target = self.exit(jump.label.as_ref());
                jump.expr.as_ref().map_or(target.clone(), |value| self.expr(value, target))
            }
            Expr::Continue(jump) => self.head(jump.label.as_ref()),
            Expr::Return(jump) => {
                jump.expr.as_ref().map_or(VarSet::new(), |value| self.expr(value, VarSet::new()))
            }
            Expr::Closure(closure) => union(after, &mentions::captured(closure)),
            Expr::Async(block) => union(after, &mentions::captured_by_async(self.vars, block)),
            Expr::Macro(mac) => self.macro_call(&mac.mac, &mac.attrs, after),
            Expr::Let(binding) => {
                let after = self.without(after, &binding.pat);
                self.expr(&binding.expr, after)
            }
            plain => {
                operands(plain).into_iter().rev().fold(after, |after, operand| self.expr(operand, after))
            }
        }
    }

    /// A condition that leads to `then` where it holds, with its bindings, and to `otherwise` where it fails.
    fn condition(&mut self, condition: &'p Expr, then: VarSet, otherwise: &VarSet) -> VarSet {
        match condition {
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
                let right = self.condition(&binary.right, then, otherwise);
                self.condition(&binary.left, right, otherwise)
            }
            Expr::Let(binding) => {
                let after = union(self.without(then, &binding.pat), otherwise);
                self.expr(&binding.expr, after)
            }
            condition => self.expr(condition, union(then, otherwise)),
        }
    }

    fn choice(&mut self, choice: &'p ExprMatch, after: &VarSet) -> VarSet {
        let mut all = VarSet::new();
        for arm in &choice.arms {
            all.union(&self.arm(arm, after.clone()));
        }
        self.expr(&choice.expr, all)
    }

    fn arm(&mut self, arm: &'p Arm, after: VarSet) -> VarSet {
        let mut live = self.expr(&arm.body, after);
        if let Pat::Guard(guarded) = &arm.pat {
            live = self.expr(&guarded.guard, live);
        }
        self.without(live, &arm.pat)
    }

    /// A loop: what is live at its head, which is a fixed point of one pass.
    fn repeated(
        &mut self,
        label: Option<&'p Label>,
        after: &VarSet,
        mut pass: impl FnMut(&mut Self, VarSet) -> VarSet,
    ) -> VarSet {
        let mut head = VarSet::new();
        loop {
            let next = self.inside(label, after.clone(), Some(head.clone()), |this| pass(this, head.clone()));
            let next = union(next, &head);
            if next == head {
                return head;
            }
            head = next;
        }
    }

    fn inside<T>(
        &mut self,
        label: Option<&'p Label>,
        exit: VarSet,
        head: Option<VarSet>,
        pass: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.around.push(Around { label, exit, head });
        let result = pass(self);
        self.around.pop();
        result
    }

    /// What is live before a pattern binds its locals: not these, nor their fields.
    fn without(&self, mut set: VarSet, pattern: &Pat) -> VarSet {
        struct Bound<'s>(&'s mut VarSet, &'s VarTable);

        impl<'a> Visit<'a> for Bound<'_> {
            fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
                if let Some(var) = Var::of(&pattern.ident) {
                    self.0.remove(var);
                    self.1.parts(var).for_each(|part| self.0.remove(part));
                }
                visit::visit_pat_ident(self, pattern);
            }
        }

        Bound(&mut set, self.vars).visit_pat(pattern);
        set
    }

    /// What is live where a `break` leads.
    fn exit(&self, label: Option<&Lifetime>) -> VarSet {
        self.find(label).map_or_else(VarSet::new, |around| around.exit.clone())
    }

    /// What is live where a `continue` leads.
    fn head(&self, label: Option<&Lifetime>) -> VarSet {
        self.find(label).and_then(|around| around.head.clone()).unwrap_or_default()
    }

    fn find(&self, label: Option<&Lifetime>) -> Option<&Around<'p>> {
        self.around.iter().rev().find(|around| match label {
            Some(label) => around.label.is_some_and(|known| known.name.ident == label.ident),
            None => around.head.is_some(),
        })
    }

    fn macro_call(&mut self, mac: &Macro, attrs: &[syn::Attribute], mut after: VarSet) -> VarSet {
        match Marker::of(mac) {
            Some(Marker::Goto(block)) => return self.live.get(&block).cloned().unwrap_or_default(),
            Some(Marker::Suspend(id)) => {
                let awaited: &'p Await = &self.program.awaits[id.0];
                let resumed = self.live.get(&awaited.resume).cloned().unwrap_or_default();
                return self.expr(&awaited.call, resumed);
            }
            Some(Marker::Start(id)) => {
                after.extend(self.program.branch(id).captures.iter().map(|capture| capture.outer));
                return after;
            }
            Some(Marker::Outcome(_)) => return after,
            None => {}
        }
        mentions::in_macro(mac, &mut after);
        for attr in attrs {
            if let syn::Meta::List(list) = &attr.meta {
                mentions::in_tokens(&list.tokens, &mut after);
            }
        }
        for marker in Marker::in_tokens(&mac.tokens) {
            if let Marker::Goto(block) = marker
                && let Some(live) = self.live.get(&block)
            {
                after.union(live);
            }
        }
        after
    }
}

/// The local that an assignment gives a new value as a whole.
fn assigned(place: &Expr) -> Option<Var> {
    match place {
        Expr::Path(path) => path.path.get_ident().and_then(Var::of),
        Expr::Paren(paren) => assigned(&paren.expr),
        _ => None,
    }
}

/// The direct operands of an expression, in the order of evaluation.
fn operands(expr: &Expr) -> Vec<&Expr> {
    struct Operands<'a>(Vec<&'a Expr>);

    impl<'a> Visit<'a> for Operands<'a> {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0.push(expr);
        }
    }

    let mut operands = Operands(Vec::new());
    visit::visit_expr(&mut operands, expr);
    operands.0
}

fn with(mut set: VarSet, var: Option<Var>) -> VarSet {
    if let Some(var) = var {
        set.insert(var);
    }
    set
}

fn union(mut left: VarSet, right: &VarSet) -> VarSet {
    left.union(right);
    left
}
