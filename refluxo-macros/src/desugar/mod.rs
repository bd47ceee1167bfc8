//! Forms become calls of functions that no user can name, so that they are awaits like any other to the passes that follow.
//!
//! | source | tree |
//! |---|---|
//! | `X.timeout(d).await` | `form·timeout(X, d).await` |
//! | `spawn(p(a)).await` | `form·spawn(p(a)).await` |
//! | `join!(A, B)` | `form·join(form·branch(A), form·branch(B)).await` |
//! | `join!(A, B).timeout(d).await` | `form·timeout(form·join(…), d).await` |
//! | `select! { p = A => h, q = B => g }` | `match form·select(…).await { Won::This(won) => match won { p => h } … }` |
//! | `select! { … }.timeout(d).await` | `match form·timeout(form·select(…), d).await { Ok(won) => Ok(match won { … }), Err(e) => Err(e) }` |
//! | `join_all!(for p in xs => A, limit = n)` | `form·join_all({ …; for p in xs { calls.push(form·branch(A)) } calls }, n).await` |
//! | `compensate!(C);` | `form·undo(C);` |

mod branch;
mod group;
mod syntax;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Block, Expr, ExprAwait, ExprCall, ExprMacro, ExprMethodCall, Ident, Item, Macro, Path, Stmt, Token,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use crate::{
    diag::Errors,
    ir::{form::Form, marker::private, place::bare},
    lower::first_await,
    messages::Message,
    parse::macros::Arguments,
};

/// Rewrites the forms of a body.
pub(crate) fn desugar(errors: &Errors, body: &mut Block) {
    let mut desugar = Desugar { errors, hoisted: Vec::new(), names: Vec::new(), has_other_timeouts: false };
    desugar.visit_block_mut(body);
    if desugar.has_other_timeouts {
        // For a type that has no such method: its error says that an await is missing.
        body.stmts.insert(
            0,
            syn::parse_quote!(
                #[allow(unused_imports)]
                use ::refluxo::__private::twin::Timed as _;
            ),
        );
    }
}

/// The form that a macro call is, by its name alone or below `refluxo`.
pub(crate) fn form(path: &Path) -> Option<Form> {
    let name = ours(path)?;
    let form = match name.to_string().as_str() {
        "join" => Form::Join,
        "try_join" => Form::TryJoin,
        "join_all" => Form::JoinAll,
        "select" => Form::Select,
        "compensate" => Form::Undo,
        _ => return None,
    };
    Some(form)
}

/// The last segment of a path that is one name, alone or below `refluxo` or its prelude.
fn ours(path: &Path) -> Option<&Ident> {
    let last = path.segments.last()?;
    let first = path.segments.first().filter(|_| path.segments.len() > 1);
    first.is_none_or(|first| first.ident == "refluxo").then_some(&last.ident)
}

/// Whether a path names a form of another library.
fn is_foreign(path: &Path) -> bool {
    const FORMS: [&str; 8] =
        ["join", "try_join", "join_all", "select", "select_biased", "spawn", "sleep", "sleep_until"];
    of_another_library(path).is_some_and(|last| FORMS.iter().any(|name| last == name))
}

/// The last segment of a path into another library for async code.
fn of_another_library(path: &Path) -> Option<&Ident> {
    const LIBRARIES: [&str; 5] = ["tokio", "futures", "futures_util", "async_std", "smol"];
    let (first, last) = (path.segments.first()?, path.segments.last()?);
    let is_library = path.segments.len() > 1 && LIBRARIES.iter().any(|name| first.ident == name);
    is_library.then_some(&last.ident)
}

/// A path as it is told.
fn text(path: &Path) -> String {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>().join("::")
}

/// Where the macro's own tokens of a form stand: at the form, but nobody's to be linted.
fn own(span: Span) -> Span {
    Span::mixed_site().located_at(span)
}

/// Rewrites forms, the inner ones with the outer ones.
struct Desugar<'e> {
    errors: &'e Errors,
    /// What has to be evaluated before the form that is being rewritten.
    hoisted: Vec<Stmt>,
    /// The names of forms in the block that is being visited.
    names: Vec<Ident>,
    /// Whether some method `timeout` is called that is not awaited.
    has_other_timeouts: bool,
}

impl Desugar<'_> {
    /// Reports a mistake; returns what stands for the form from then on.
    fn refuse(&self, tokens: impl ToTokens, message: &Message) -> Expr {
        self.errors.on(tokens, message);
        nothing()
    }

    /// `X.await`.
    fn awaited(&mut self, mut awaited: ExprAwait) -> Expr {
        if let Expr::Macro(mac) = bare(&awaited.base)
            && form(&mac.mac.path).is_some()
        {
            return self
                .refuse(awaited.await_token, &Message::FormAwaited(format!("{}!", text(&mac.mac.path))));
        }
        let outer = std::mem::take(&mut self.hoisted);
        let value = if let Some((select, timed)) = timed_select(&awaited.base) {
            self.named(&select.mac.path);
            self.select(&[&awaited.attrs[..], &select.attrs].concat(), &select.mac, Some(timed))
        } else {
            *awaited.base = self.operand(bare(&awaited.base).clone());
            Expr::Await(awaited)
        };
        let hoisted = std::mem::replace(&mut self.hoisted, outer);
        after(&hoisted, value)
    }

    /// What is awaited.
    fn operand(&mut self, expr: Expr) -> Expr {
        match expr {
            Expr::MethodCall(call) if call.method == "timeout" => self.timed(&call),
            expr => self.call(expr),
        }
    }

    /// A call, which may be one of `spawn`.
    fn call(&mut self, mut expr: Expr) -> Expr {
        if let Some((path, call)) = call_by_path(&expr) {
            if is_foreign(path) {
                return self.refuse(path, &Message::ForeignForm(text(path)));
            }
            if of_another_library(path).is_some_and(|name| name == "timeout") {
                return self.refuse(path, &Message::ForeignTimeout(text(path)));
            }
            if ours(path).is_some_and(|name| name == "spawn") {
                self.named(path);
                return self.spawned(path.span(), call.clone());
            }
        }
        self.visit_expr_mut(&mut expr);
        expr
    }

    /// Takes note of a form that goes by its name alone.
    fn named(&mut self, path: &Path) {
        let is_new = |name: &&Ident| !self.names.contains(name);
        let name = path.get_ident().filter(is_new).cloned();
        self.names.extend(name);
    }

    /// `spawn(p(a))`.
    fn spawned(&mut self, span: Span, mut call: ExprCall) -> Expr {
        let workflow = call.args.pop();
        match workflow {
            Some(mut workflow) if call.args.is_empty() && call_by_path(&workflow).is_some() => {
                self.visit_expr_mut(&mut workflow);
                Form::Spawn.call(span, [workflow])
            }
            Some(other) => self.refuse(other, &Message::SpawnNotACall),
            None => self.refuse(call, &Message::SpawnNotACall),
        }
    }

    /// `X.timeout(d)`.
    fn timed(&mut self, call: &ExprMethodCall) -> Expr {
        let operand = match bare(&call.receiver) {
            Expr::MethodCall(inner) if inner.method == "timeout" => {
                return self.refuse(&call.method, &Message::TimeoutTwice);
            }
            Expr::Macro(ExprMacro { mac, .. }) => match form(&mac.path) {
                Some(form @ (Form::Join | Form::TryJoin | Form::JoinAll)) => {
                    self.named(&mac.path);
                    self.group(form, mac)
                }
                _ => self.operand((*call.receiver).clone()),
            },
            receiver => self.call(receiver.clone()),
        };
        self.limited(operand, call)
    }

    /// `X.timeout(d)` without an await. Of a form nothing else can be meant; for a call, rustc looks for a method of this name.
    fn timed_without_await(&mut self, expr: &mut Expr) {
        let Expr::MethodCall(timed) = &*expr else { return };
        if matches!(bare(&timed.receiver), Expr::Macro(mac) if form(&mac.mac.path).is_some()) {
            *expr = self.refuse(&timed.method, &Message::TimeoutNotAwaited);
            return;
        }
        self.has_other_timeouts = true;
        visit_mut::visit_expr_mut(self, expr);
    }

    /// `form·timeout(operand, d)`.
    fn limited(&mut self, operand: Expr, ExprMethodCall { method, args, .. }: &ExprMethodCall) -> Expr {
        let (1, Some(limit)) = (args.len(), args.first()) else {
            return self.refuse(method, &Message::TimeoutArguments);
        };
        let limit = self.number("limit", method.span(), limit);
        if let (Some((Form::JoinAll, _)), Some(place)) = (Form::of_call(&operand), first_await(&limit)) {
            self.errors.at(place, &Message::JoinAllAwait);
        }
        Form::Timeout.call(method.span(), [operand, limit])
    }

    /// A number of a form. It goes through a function, so that rustc tells of a wrong type in the same words in the machine and the twin.
    fn number(&mut self, check: &str, form: Span, number: &Expr) -> Expr {
        let mut number = number.clone();
        self.visit_expr_mut(&mut number);
        let check = private(check, own(form));
        syn::parse_quote_spanned!(own(form)=> #check(#number))
    }

    /// A form that stands where its value does.
    fn macro_call(&mut self, form: Form, ExprMacro { attrs, mac }: ExprMacro) -> Expr {
        self.named(&mac.path);
        let span = mac.path.span();
        let outer = std::mem::take(&mut self.hoisted);
        let value = match form {
            Form::Undo => self.compensation(&mac),
            Form::Select => self.select(&attrs, &mac, None),
            form => {
                let mut awaited = awaiting(span, self.group(form, &mac));
                awaited.attrs = attrs;
                Expr::Await(awaited)
            }
        };
        let hoisted = std::mem::replace(&mut self.hoisted, outer);
        after(&hoisted, value)
    }

    /// `compensate!(C)`.
    fn compensation(&mut self, mac: &Macro) -> Expr {
        let call = match syntax::compensation(mac) {
            Ok(call) => call,
            Err(error) => {
                self.errors.at(error.span(), &Message::CompensateNotACall);
                return nothing();
            }
        };
        match bare(&call) {
            Expr::MethodCall(timed) if timed.method == "timeout" => {
                self.refuse(&timed.method, &Message::TimeoutInCompensate)
            }
            inner if call_by_path(inner).is_some_and(|(path, _)| !is_wait(path)) => {
                let mut call = inner.clone();
                self.visit_expr_mut(&mut call);
                Form::Undo.call(mac.path.span(), [call])
            }
            other => self.refuse(other, &Message::CompensateNotACall),
        }
    }
}

impl VisitMut for Desugar<'_> {
    fn visit_block_mut(&mut self, block: &mut Block) {
        let outer = std::mem::take(&mut self.names);
        let count = block.stmts.len();
        for (index, stmt) in block.stmts.iter_mut().enumerate() {
            let Stmt::Macro(mac) = stmt else {
                self.visit_stmt_mut(stmt);
                continue;
            };
            if form(&mac.mac.path).is_none() {
                self.visit_macro_mut(&mut mac.mac);
                continue;
            }
            let mut expr = Expr::Macro(ExprMacro { attrs: mac.attrs.clone(), mac: mac.mac.clone() });
            let semi = mac.semi_token;
            self.visit_expr_mut(&mut expr);
            // In braces it is a statement without a semicolon, which an await is not.
            let is_open =
                semi.is_none() && index + 1 < count && !matches!(expr, Expr::Match(_) | Expr::Block(_));
            let semi = semi.or_else(|| is_open.then(<Token![;]>::default));
            *stmt = Stmt::Expr(expr, semi);
        }
        let names = std::mem::replace(&mut self.names, outer);
        block.stmts.splice(0..0, names.iter().map(mention));
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Await(awaited) => *expr = self.awaited(awaited.clone()),
            Expr::Macro(mac) => {
                if let Some(form) = form(&mac.mac.path) {
                    *expr = self.macro_call(form, mac.clone());
                } else {
                    self.visit_macro_mut(&mut mac.mac);
                }
            }
            Expr::MethodCall(timed) if timed.method == "timeout" => self.timed_without_await(expr),
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        if is_foreign(&mac.path) {
            self.errors.on(&mac.path, &Message::ForeignForm(format!("{}!", text(&mac.path))));
            // Nothing more is to be told of what stands in it.
            mac.tokens = TokenStream::new();
        }
        let Some(mut arguments) = Arguments::of(mac) else { return };
        for argument in &mut arguments.args {
            self.visit_expr_mut(&mut argument.expr);
        }
        mac.tokens = arguments.tokens();
    }

    /// Items inside the body are not the workflow.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The path of a call by path, and the call.
fn call_by_path(expr: &Expr) -> Option<(&Path, &ExprCall)> {
    let Expr::Call(call) = bare(expr) else { return None };
    let Expr::Path(path) = bare(&call.func) else { return None };
    Some((&path.path, call))
}

/// `select! { … }` in `select! { … }.timeout(d)`, and the call of `timeout`.
fn timed_select(expr: &Expr) -> Option<(&ExprMacro, &ExprMethodCall)> {
    let Expr::MethodCall(timed) = bare(expr) else { return None };
    let Expr::Macro(select) = bare(&timed.receiver) else { return None };
    (timed.method == "timeout" && form(&select.mac.path) == Some(Form::Select)).then_some((select, timed))
}

/// Whether a call only waits, so that it undoes nothing.
fn is_wait(path: &Path) -> bool {
    ours(path).is_some_and(|name| ["sleep", "sleep_until", "signal", "spawn"].iter().any(|wait| name == wait))
}

/// An item that mentions the name of a form, so that an import of it is used. Nothing is asked of what goes by the name.
fn mention(name: &Ident) -> Stmt {
    syn::parse_quote_spanned!(own(name.span())=> #[allow(unused_imports)] use #name as _;)
}

/// `operand.await`.
fn awaiting(span: Span, operand: Expr) -> ExprAwait {
    ExprAwait {
        attrs: Vec::new(),
        base: Box::new(operand),
        dot_token: Token![.](span),
        await_token: Token![await](span),
    }
}

/// A value, with what has to be evaluated before it.
fn after(hoisted: &[Stmt], value: Expr) -> Expr {
    if hoisted.is_empty() { value } else { syn::parse_quote!({ #(#hoisted)* #value }) }
}

/// What stands for a form that was refused, and of which nothing more is to be told.
fn nothing() -> Expr {
    Expr::Verbatim(quote!(()))
}
