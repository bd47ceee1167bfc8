//! Branches, blocks and plain loops with awaits in them.

use proc_macro2::Span;
use syn::{
    Arm, BinOp, Block as SynBlock, Expr, ExprBlock, ExprBreak, ExprIf, ExprLoop, ExprMatch, ExprWhile, Label,
    Stmt, parse_quote,
};

use super::{Dest, Lowerer, Target, is_unit, query::has_await, stmt::diverges};
use crate::ir::{BlockId, place::bare};

impl Lowerer {
    /// Lowers an expression whose value goes to `dest`.
    pub(super) fn control(&mut self, expr: Expr, dest: &Dest) {
        match expr {
            Expr::Paren(paren) if has_await(&paren.expr) => self.control(*paren.expr, dest),
            Expr::If(branch) => self.if_else(branch, dest),
            Expr::Match(choice) => self.choice(choice, dest),
            Expr::Block(block) => self.block(block, dest),
            Expr::Loop(repeat) => self.endless(repeat, dest),
            Expr::While(repeat) => self.while_loop(repeat, dest),
            Expr::ForLoop(repeat) => self.for_loop(repeat, dest),
            Expr::Return(returned) => {
                let value = returned.expr.map_or_else(|| parse_quote!(()), |value| self.expr(*value));
                self.give(&Dest::Return, &value);
            }
            Expr::Break(broken) => self.leave(broken),
            other => {
                let value = self.expr(other);
                if self.open {
                    self.give(dest, &value);
                }
            }
        }
    }

    /// `break 'label value` with an await in the value.
    fn leave(&mut self, broken: ExprBreak) {
        let Some(target) = self.target(broken.label.as_ref()).cloned() else { return };
        let value = broken.expr.map_or_else(|| parse_quote!(()), |value| self.expr(*value));
        if self.open {
            self.give(&target.dest, &value);
            self.goto(target.exit);
        }
    }

    /// `if a && let P = b { … } else { … }`.
    fn if_else(&mut self, branch: ExprIf, dest: &Dest) {
        let join = self.new_block();
        let conditions = conjuncts(*branch.cond);
        let body = branch.then_branch;
        let otherwise = branch.else_branch.map(|(_, expr)| *expr);
        if conditions.iter().skip(1).any(has_await) {
            let fails = self.new_block();
            self.chain(conditions, fails, &mut |this| {
                this.scope(body.clone(), dest);
                this.goto(join);
            });
            self.place(fails);
            self.otherwise(otherwise, join, dest);
        } else if let Some(condition) = self.conditions(conditions) {
            let then = self.branch(|this| {
                this.scope(body, dest);
                this.goto(join);
            });
            let otherwise = self.branch(|this| this.otherwise(otherwise, join, dest));
            self.emit_end(parse_quote!(if #condition #then else #otherwise));
        }
        self.place(join);
    }

    fn otherwise(&mut self, otherwise: Option<Expr>, join: BlockId, dest: &Dest) {
        match otherwise {
            Some(expr) => self.tail_or_control(expr, dest),
            None if self.open => self.give(dest, &parse_quote!(())),
            None => {}
        }
        self.goto(join);
    }

    /// Lowers conditions of which at most the first has an await, and joins them.
    fn conditions(&mut self, conditions: Vec<Expr>) -> Option<Expr> {
        let conditions: Vec<Expr> = conditions.into_iter().map(|condition| self.expr(condition)).collect();
        if !self.open {
            return None;
        }
        for condition in &conditions {
            if let Expr::Let(binding) = condition {
                self.note_binding(&binding.pat, &binding.expr);
            }
        }
        conditions.into_iter().reduce(|all, next| parse_quote!(#all && #next))
    }

    /// Tests conditions one after the other; where one fails, goes on at `otherwise`.
    fn chain(&mut self, mut conditions: Vec<Expr>, otherwise: BlockId, then: &mut dyn FnMut(&mut Self)) {
        let ready = conditions.iter().take_while(|condition| !has_await(condition)).count().max(1);
        let rest = conditions.split_off(ready);
        let Some(condition) = self.conditions(conditions) else { return };
        let inner =
            self.branch(|this| if rest.is_empty() { then(this) } else { this.chain(rest, otherwise, then) });
        let outer = self.branch(|this| this.goto(otherwise));
        self.emit_end(parse_quote!(if #condition #inner else #outer));
    }

    fn choice(&mut self, choice: ExprMatch, dest: &Dest) {
        let join = self.new_block();
        let value = self.expr(*choice.expr);
        let arms: Vec<Arm> = choice.arms.into_iter().map(|arm| self.arm(arm, &value, join, dest)).collect();
        self.emit_end(parse_quote!(match #value { #(#arms)* }));
        self.place(join);
    }

    fn arm(&mut self, mut arm: Arm, value: &Expr, join: BlockId, dest: &Dest) -> Arm {
        self.note_binding(&arm.pat, value);
        if let syn::Pat::Guard(guarded) = &mut arm.pat {
            *guarded.guard = self.verbatim((*guarded.guard).clone());
        }
        let body = (*arm.body).clone();
        let block = self.branch(|this| {
            this.tail_or_control(body, dest);
            this.goto(join);
        });
        arm.body = parse_quote!(#block);
        arm.comma = Some(syn::Token![,](Span::call_site()));
        arm
    }

    /// Lowers an expression in tail position, with or without awaits.
    pub(super) fn tail_or_control(&mut self, expr: Expr, dest: &Dest) {
        match expr {
            Expr::Block(ExprBlock { label: None, block, .. }) => self.scope(block, dest),
            expr => self.stmts(vec![Stmt::Expr(expr, None)], dest),
        }
    }

    fn block(&mut self, block: ExprBlock, dest: &Dest) {
        let Some(label) = block.label else {
            self.scope(block.block, dest);
            return;
        };
        let exit = self.new_block();
        self.targets.push(Target { label: Some(label.name.ident), exit, dest: dest.clone(), head: None });
        self.scope(block.block, dest);
        self.targets.pop();
        self.goto(exit);
        self.place(exit);
    }

    /// Lowers a block. What stands between its last await and its end keeps a Rust scope of its own, so that its locals are
    /// dropped where they were.
    pub(super) fn scope(&mut self, block: SynBlock, dest: &Dest) {
        let (home, start) = (self.home, self.seq.len());
        let mut stmts = block.stmts;
        let tail = match stmts.pop() {
            Some(Stmt::Expr(tail, None)) => Some(tail),
            Some(last) => {
                stmts.push(last);
                None
            }
            None => None,
        };
        let plain_tail = tail.as_ref().is_none_or(|tail| !is_construct(tail));
        if !plain_tail || matches!(dest, Dest::Return) {
            stmts.extend(tail.map(|tail| Stmt::Expr(tail, None)));
            self.stmts(stmts, dest);
            return;
        }
        for stmt in stmts {
            self.stmt(stmt);
        }
        let value = match tail {
            Some(mut tail) => {
                self.name_state(&mut tail);
                self.expr(tail)
            }
            None => parse_quote!(()),
        };
        if !self.open {
            return;
        }
        if diverges(&value) {
            self.emit_end(value);
            return;
        }
        let start = if self.home == home { start } else { 0 };
        let inner: Vec<Stmt> = self.seq.split_off(start);
        match (inner.is_empty(), dest) {
            (true, _) => self.give(dest, &value),
            (false, Dest::Discard) if is_unit(&value) => self.emit(parse_quote!({ #(#inner)* })),
            (false, Dest::Discard) => self.emit(parse_quote!({ #(#inner)* #value; })),
            (false, _) => self.give(dest, &parse_quote!({ #(#inner)* #value })),
        }
    }

    fn endless(&mut self, repeat: ExprLoop, dest: &Dest) {
        let (head, exit) = (self.new_block(), self.new_block());
        self.goto(head);
        self.place(head);
        self.repeated(repeat.label, head, exit, dest, |this| {
            this.scope(repeat.body, &Dest::Discard);
            this.goto(head);
        });
        self.place(exit);
    }

    fn while_loop(&mut self, repeat: ExprWhile, dest: &Dest) {
        let (head, exit) = (self.new_block(), self.new_block());
        self.goto(head);
        self.place(head);
        let body = repeat.body;
        self.repeated(repeat.label, head, exit, &Dest::Discard, |this| {
            this.chain(conjuncts(*repeat.cond), exit, &mut |this| {
                this.scope(body.clone(), &Dest::Discard);
                this.goto(head);
            });
        });
        self.place(exit);
        if self.open {
            self.give(dest, &parse_quote!(()));
        }
    }

    /// Lowers the inside of a loop.
    pub(super) fn repeated(
        &mut self,
        label: Option<Label>,
        head: BlockId,
        exit: BlockId,
        dest: &Dest,
        lower: impl FnOnce(&mut Self),
    ) {
        let label = label.map(|label| label.name.ident);
        self.targets.push(Target { label, exit, dest: dest.clone(), head: Some(head) });
        lower(self);
        self.targets.pop();
    }
}

/// Whether an expression is lowered branch by branch, each of which gives its value.
fn is_construct(expr: &Expr) -> bool {
    has_await(expr)
        && matches!(
            bare(expr),
            Expr::If(_) | Expr::Match(_) | Expr::Block(_) | Expr::Loop(_) | Expr::While(_) | Expr::ForLoop(_)
        )
}

/// The conditions of a chain of `&&`, if one of them has an await; otherwise the chain as a whole.
fn conjuncts(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::Binary(binary)
            if matches!(binary.op, BinOp::And(_))
                && (has_await(&binary.left) || has_await(&binary.right)) =>
        {
            let mut all = conjuncts(*binary.left);
            all.extend(conjuncts(*binary.right));
            all
        }
        condition => split_lets(condition),
    }
}

/// `a && let P = b` → `a`, `let P = b`: each binding is seen by itself.
fn split_lets(condition: Expr) -> Vec<Expr> {
    match condition {
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            let mut all = split_lets(*binary.left);
            all.extend(split_lets(*binary.right));
            all
        }
        condition => vec![condition],
    }
}
