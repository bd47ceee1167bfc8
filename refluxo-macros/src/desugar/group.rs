//! `join!`, `try_join!`, `join_all!` and `select!`.

use proc_macro2::Span;
use quote::quote_spanned;
use syn::{
    Attribute, Block, Expr, ExprMethodCall, Ident, Lit, Macro, Stmt, parse_quote_spanned, spanned::Spanned,
    visit_mut::VisitMut,
};

use super::{
    Desugar, after, awaiting, nothing, own,
    syntax::{self, Arm, JoinAll, Select},
    text,
};
use crate::{
    ir::{form::Form, place::bare},
    lower::first_await,
    messages::Message,
};

/// The most branches of a form; tuples are no longer in serde.
const WIDEST: usize = 16;

impl Desugar<'_> {
    /// What a group awaits.
    pub(super) fn group(&mut self, form: Form, mac: &Macro) -> Expr {
        match form {
            Form::JoinAll => self.join_all(mac),
            form => match syntax::branches(mac) {
                Ok(branches) => self.together(form, mac, &branches),
                Err(error) => {
                    self.errors.push(error);
                    nothing()
                }
            },
        }
    }

    /// `form·join(form·branch(A), form·branch(B))`.
    fn together(&mut self, form: Form, mac: &Macro, branches: &[Expr]) -> Expr {
        let name = text(&mac.path);
        if branches.is_empty() {
            return self.refuse(&mac.path, &Message::FormEmpty(name));
        }
        if let Some(first) = branches.get(WIDEST) {
            return self.refuse(first, &Message::FormTooWide(name));
        }
        let branches: Vec<Expr> = branches.iter().map(|branch| self.branch(branch)).collect();
        form.call(mac.path.span(), branches)
    }

    /// `match form·select(…).await { Won::This(won) => match won { p => h } … }`. A limit is one for the wait, the handlers have time.
    pub(super) fn select(
        &mut self,
        attrs: &[Attribute],
        mac: &Macro,
        timed: Option<&ExprMethodCall>,
    ) -> Expr {
        let arms = match mac.parse_body::<Select>() {
            Ok(Select { arms }) => arms,
            Err(error) => {
                self.errors.push(told(&error, &Message::SelectSyntax));
                return nothing();
            }
        };
        let branches: Vec<Expr> = arms.iter().map(|arm| arm.branch.clone()).collect();
        let span = mac.path.span();
        let mut group = self.together(Form::Select, mac, &branches);
        if let Some(timed) = timed {
            group = self.limited(group, timed);
        }
        let mut winner = awaiting(span, group);
        winner.attrs = attrs.to_vec();
        let outer = std::mem::take(&mut self.hoisted);
        let arms = arms.into_iter().enumerate().map(|(number, arm)| self.arm(span, number, arm));
        let arms: Vec<syn::Arm> = arms.collect();
        self.hoisted = outer;
        let span = own(span);
        if timed.is_none() {
            return parse_quote_spanned!(span=> match #winner { #(#arms)* });
        }
        let [won, value, elapsed] =
            ["form·won", "form·value", "form·elapsed"].map(|name| Ident::new(name, span));
        // Where all handlers leave, nobody is to be told that there is no value.
        parse_quote_spanned! {span=>
            match #winner {
                ::core::result::Result::Ok(#won) => match match #won { #(#arms)* } {
                    #[allow(unreachable_code)]
                    #value => ::core::result::Result::Ok(#value),
                },
                ::core::result::Result::Err(#elapsed) => ::core::result::Result::Err(#elapsed),
            }
        }
    }

    /// `Won::Later(Won::This(won)) => match won { p => h }`. So a pattern that does not match all is told of where it stands.
    fn arm(&mut self, form: Span, number: usize, Arm { pattern, branch: _, mut handler }: Arm) -> syn::Arm {
        self.visit_expr_mut(&mut handler);
        let span = own(form);
        let won = Ident::new("form·won", own(pattern.span()));
        let this = quote_spanned!(span=> ::refluxo::__private::Won::This(#won));
        let path = (0..number)
            .fold(this, |inner, _| quote_spanned!(span=> ::refluxo::__private::Won::Later(#inner)));
        parse_quote_spanned!(span=> #path => match #won { #pattern => #handler })
    }

    /// `form·join_all({ let mut calls = Vec::new(); for p in xs { calls.push(form·branch(A)); } calls }, n)`.
    fn join_all(&mut self, mac: &Macro) -> Expr {
        let JoinAll { pattern, mut items, item, limit } = match mac.parse_body() {
            Ok(parsed) => parsed,
            Err(error) => {
                self.errors.push(told(&error, &Message::JoinAllSyntax));
                return nothing();
            }
        };
        let span = own(mac.path.span());
        self.visit_expr_mut(&mut items);
        if let Some(awaited) = first_evaluated(&mut items) {
            self.hoist(span, awaited);
        }
        if first_await(&items).is_some() {
            self.hoist(span, &mut items);
        }
        let item = self.item(&item);
        let limit = limit.map(|limit| {
            self.at_least_one(&limit);
            self.number("at_most", mac.path.span(), &limit)
        });
        for part in [&item].into_iter().chain(&limit) {
            if let Some(place) = first_await(part) {
                self.errors.at(place, &Message::JoinAllAwait);
                return nothing();
            }
        }
        let calls = Ident::new("form·calls", span);
        let block: Expr = parse_quote_spanned!(span=> {
            let mut #calls = ::std::vec::Vec::new();
            for #pattern in #items {
                #calls.push(#item);
            }
            #calls
        });
        Form::JoinAll.call(mac.path.span(), [block].into_iter().chain(limit))
    }

    /// What stands for one item: a branch, with statements before it or not.
    fn item(&mut self, item: &Expr) -> Expr {
        let Expr::Block(block) = bare(item) else { return self.branch(item) };
        let mut block = block.clone();
        let Some(Stmt::Expr(branch, None)) = block.block.stmts.pop() else {
            return self.refuse(item, &Message::BranchNotACall);
        };
        let mut before = Block { brace_token: block.block.brace_token, stmts: block.block.stmts };
        self.visit_block_mut(&mut before);
        let branch = self.branch(&branch);
        after(&before.stmts, branch)
    }

    /// Evaluates an expression before the form.
    fn hoist(&mut self, span: Span, expr: &mut Expr) {
        let items = Ident::new("form·items", span);
        let name = parse_quote_spanned!(span=> #items);
        let expr = std::mem::replace(expr, name);
        self.hoisted.push(parse_quote_spanned!(span=> let #items = #expr;));
    }

    /// A limit of 0 would let nothing run.
    fn at_least_one(&self, limit: &Expr) {
        if let Expr::Lit(literal) = bare(limit)
            && let Lit::Int(number) = &literal.lit
            && number.base10_parse::<usize>().is_ok_and(|number| number == 0)
        {
            self.errors.on(limit, &Message::JoinAllLimitZero);
        }
    }
}

/// The await that an expression evaluates before anything else, with a `?` behind it. What follows it may borrow from temporaries, which live
/// as long as the loop over the items.
fn first_evaluated(expr: &mut Expr) -> Option<&mut Expr> {
    match expr {
        Expr::Await(_) => Some(expr),
        Expr::Try(tried) if matches!(bare(&tried.expr), Expr::Await(_)) => Some(expr),
        Expr::Try(tried) => first_evaluated(&mut tried.expr),
        Expr::MethodCall(call) => first_evaluated(&mut call.receiver),
        Expr::Field(field) => first_evaluated(&mut field.base),
        Expr::Reference(reference) => first_evaluated(&mut reference.expr),
        Expr::Paren(paren) => first_evaluated(&mut paren.expr),
        _ => None,
    }
}

/// What is told of an error of the parser: our own words, or those that say more.
fn told(error: &syn::Error, syntax: &Message) -> syn::Error {
    const OURS: [Message; 2] = [Message::SelectElse, Message::SelectIf];
    if OURS.iter().any(|message| error.to_string() == message.to_string()) {
        return error.clone();
    }
    syn::Error::new(error.span(), syntax)
}
