//! The rules for awaits: where they may stand and what they may await.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Arm, Attribute, Block, Expr, ExprAsync, ExprAwait, ExprCall, ExprClosure, ExprUnsafe, Ident, Item, Local,
    Macro, Pat, PathArguments, Stmt,
    visit::{self, Visit},
};

use super::branch;
use crate::{
    diag::Errors,
    ir::{form::Form, place::bare},
    messages::Message,
    parse::macros::Arguments,
};

/// Checks the body.
pub(super) fn check(errors: &Errors, body: &Block) {
    let mut names = LocalItems(Vec::new());
    names.visit_block(body);
    let mut checker = Checker { errors, local_items: names.0, refusal: None };
    checker.visit_block(body);
}

/// The names of items that the body declares; what it imports has a path.
struct LocalItems(Vec<String>);

impl<'a> Visit<'a> for LocalItems {
    fn visit_item(&mut self, item: &'a Item) {
        match item {
            Item::Fn(item) => self.0.push(item.sig.ident.to_string()),
            Item::Struct(item) => self.0.push(item.ident.to_string()),
            Item::Mod(item) => self.0.push(item.ident.to_string()),
            _ => {}
        }
    }
}

struct Checker<'e> {
    errors: &'e Errors,
    local_items: Vec<String>,
    /// Why an await can't stand here, if it can't.
    refusal: Option<Message>,
}

impl Checker<'_> {
    /// Visits what may not hold an await.
    fn refusing(&mut self, refusal: Message, visit: impl FnOnce(&mut Self)) {
        let outer = self.refusal.replace(refusal);
        visit(self);
        self.refusal = outer;
    }

    /// An awaited operand is a call by path or a form: its type is a field of the snapshot.
    fn operand(&self, expr: &Expr) {
        match Form::of_call(bare(expr)) {
            // Its branches are looked at where they stand.
            Some((Form::Join | Form::TryJoin | Form::JoinAll | Form::Select, _)) => {}
            Some((_, call)) => call.args.first().into_iter().for_each(|inner| self.operand(inner)),
            None => self.leaf(expr),
        }
    }

    /// A call by path.
    fn leaf(&self, expr: &Expr) {
        // Told by `desugar`.
        if matches!(bare(expr), Expr::Verbatim(_)) {
            return;
        }
        if let Expr::Async(block) = bare(expr) {
            return self.errors.on(block.async_token, &Message::AsyncBlockAwaited);
        }
        let Expr::Call(ExprCall { func, .. }) = bare(expr) else {
            self.errors.on(expr, &Message::AwaitedNotACall);
            return;
        };
        let Expr::Path(path) = &**func else {
            self.errors.on(func, &Message::AwaitedNotACall);
            return;
        };
        let (Some(first), Some(last)) = (path.path.segments.first(), path.path.segments.last()) else {
            return;
        };
        if self.local_items.iter().any(|item| first.ident == item) {
            self.errors.on(path, &Message::AwaitedLocalItem(first.ident.to_string()));
        }
        if last.ident == "signal" && matches!(last.arguments, PathArguments::None) {
            self.errors.on(path, &Message::SignalWithoutType);
        }
    }

    /// `#[state(Name)]` stands where there is exactly one await.
    fn state_attribute(&self, attrs: &[Attribute], awaits: usize) {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("state")) {
            if attr.parse_args::<syn::Ident>().is_err() {
                self.errors.on(attr, &Message::StateSyntax);
            }
            match awaits {
                0 => self.errors.on(attr, &Message::StateOnNone),
                1 => {}
                _ => self.errors.on(attr, &Message::StateOnSeveral),
            }
        }
    }

    /// What nothing needs after an await is dropped there, so a guard can't be kept over one.
    fn guards(&self, block: &Block) {
        for (index, stmt) in block.stmts.iter().enumerate() {
            let Stmt::Local(Local { pat: Pat::Ident(name), init: Some(init), .. }) = stmt else { continue };
            let is_call = matches!(bare(&init.expr), Expr::Call(_) | Expr::MethodCall(_));
            let is_unused = name.ident.to_string().starts_with('_');
            if !is_call || !is_unused || crate::lower::awaits_in_stmt(stmt) > 0 {
                continue;
            }
            let later = &block.stmts[index + 1..];
            let awaits = later.iter().any(|stmt| crate::lower::awaits_in_stmt(stmt) > 0);
            if awaits && !later.iter().any(|stmt| mentions(&stmt.to_token_stream(), &name.ident)) {
                self.errors.on(&name.ident, &Message::GuardAcrossAwait(name.ident.to_string()));
            }
        }
    }

    /// A macro of the standard library shows its arguments; a foreign one does not.
    fn macro_call(&mut self, mac: &Macro) {
        let name = mac.path.segments.last().map_or_else(String::new, |last| last.ident.to_string());
        let Some(arguments) = Arguments::of(mac) else {
            if let Some(token) = find_await(&mac.tokens) {
                let message = self.refusal.clone().unwrap_or(Message::AwaitInMacro(name));
                self.errors.on(token, &message);
            }
            return;
        };
        for operand in &arguments.args {
            self.visit_expr(&operand.expr);
        }
        if let Some((_, Some(guard))) = &arguments.matched {
            self.refusing(Message::AwaitInGuard, |this| this.visit_expr(guard));
        }
    }
}

impl<'a> Visit<'a> for Checker<'_> {
    fn visit_expr_await(&mut self, expr: &'a ExprAwait) {
        match &self.refusal {
            Some(refusal) => self.errors.on(expr.await_token, refusal),
            None => self.operand(&expr.base),
        }
        if is_group(&expr.base) {
            self.state_attribute(&expr.attrs, 1);
        }
        if !matches!(bare(&expr.base), Expr::Async(_)) {
            visit::visit_expr(self, &expr.base);
        }
    }

    /// A branch that is an `async move` block holds statements like the workflow itself.
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        match (form_of(call), call.args.first()) {
            (Some(Form::Branch), Some(Expr::Async(block))) => {
                branch::check(self.errors, &block.block);
                self.state_attribute(&block.attrs, 1);
                let outer = self.refusal.take();
                self.visit_block(&block.block);
                self.refusal = outer;
            }
            (Some(Form::Branch | Form::Undo), Some(inner)) => {
                self.operand(inner);
                visit::visit_expr_call(self, call);
            }
            _ => visit::visit_expr_call(self, call),
        }
    }

    fn visit_expr_closure(&mut self, closure: &'a ExprClosure) {
        self.refusing(Message::AwaitInClosure, |this| visit::visit_expr_closure(this, closure));
    }

    fn visit_expr_async(&mut self, block: &'a ExprAsync) {
        self.refusing(Message::AwaitInAsyncBlock, |this| visit::visit_expr_async(this, block));
    }

    fn visit_expr_unsafe(&mut self, block: &'a ExprUnsafe) {
        self.refusing(Message::AwaitInUnsafe, |this| visit::visit_expr_unsafe(this, block));
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        if let Pat::Guard(guarded) = &arm.pat {
            self.refusing(Message::AwaitInGuard, |this| this.visit_expr(&guarded.guard));
        }
        self.visit_expr(&arm.body);
    }

    fn visit_block(&mut self, block: &'a Block) {
        self.guards(block);
        visit::visit_block(self, block);
    }

    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        if !matches!(stmt, Stmt::Expr(Expr::Await(awaited), _) if is_group(&awaited.base)) {
            self.state_attribute(attributes(stmt), crate::lower::awaits_in_stmt(stmt));
        }
        visit::visit_stmt(self, stmt);
    }

    fn visit_expr_yield(&mut self, expr: &'a syn::ExprYield) {
        self.errors.on(expr, &Message::Unsupported("`yield`"));
    }

    fn visit_expr_try_block(&mut self, expr: &'a syn::ExprTryBlock) {
        self.errors.on(expr, &Message::Unsupported("a `try` block"));
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        self.macro_call(mac);
    }

    /// Functions and constants inside the body are not the workflow.
    fn visit_item(&mut self, _: &'a Item) {}
}

/// The form that a call stands for.
fn form_of(call: &ExprCall) -> Option<Form> {
    let Expr::Path(path) = &*call.func else { return None };
    Form::of(&path.path)
}

/// Whether several branches are awaited.
fn is_group(operand: &Expr) -> bool {
    match Form::of_call(operand) {
        Some((Form::Join | Form::TryJoin | Form::JoinAll | Form::Select, _)) => true,
        Some((Form::Timeout, call)) => call.args.first().is_some_and(is_group),
        Some((Form::Branch | Form::Spawn | Form::Undo, _)) | None => false,
    }
}

/// The attributes of a statement.
pub(crate) fn attributes(stmt: &Stmt) -> &[Attribute] {
    match stmt {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(mac) => &mac.attrs,
        Stmt::Expr(expr, _) => crate::lower::expr_attributes(expr),
        Stmt::Item(_) => &[],
    }
}

/// Whether a name stands among tokens.
fn mentions(tokens: &TokenStream, name: &Ident) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Literal(literal) => literal.to_string().contains(&name.to_string()),
        TokenTree::Punct(_) => false,
    })
}

/// The first `.await` or form among tokens.
fn find_await(tokens: &TokenStream) -> Option<TokenTree> {
    let mut dot = false;
    let mut before: Option<Ident> = None;
    for token in tokens.clone() {
        match &token {
            TokenTree::Ident(ident) if dot && ident == "await" => return Some(token),
            TokenTree::Punct(punct) if punct.as_char() == '!' => {
                if let Some(form) =
                    before.filter(|ident| crate::desugar::form(&ident.clone().into()).is_some())
                {
                    return Some(form.into());
                }
            }
            TokenTree::Group(group) => {
                if let Some(found) = find_await(&group.stream()) {
                    return Some(found);
                }
            }
            _ => {}
        }
        dot = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '.');
        before = match token {
            TokenTree::Ident(ident) => Some(ident),
            _ => None,
        };
    }
    None
}
