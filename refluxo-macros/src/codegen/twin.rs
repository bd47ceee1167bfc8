//! The twin: the body once as a plain function that is never called.
//!
//! It is for rustc alone: borrow errors, unused variables and the like are told of the code as the user wrote it. It is also
//! what proves that a borrow which is taken again on resume still means the same.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Expr, ExprCall, Ident, Macro,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use super::names::own;
use crate::{compile::Source, ir::form::Form, parse::macros::Arguments};

// Input:
//
//     async fn checkout(order: Order) -> R { charge(order).await }
//
// Output:
//
//     fn checkout_twin(order: Order) -> R { awaited(charge(order)) }
/// Emits the twin.
pub(super) fn emit(source: &Source) -> TokenStream {
    let (output, generics, lints) = (&source.output, &source.generics, &source.lints);
    let twin = format_ident!("{}_twin", source.ident);
    let params = source.params.iter().map(|param| &param.input);
    let mut body = source.body.clone();
    Sync { branch: "kept" }.visit_block_mut(&mut body);
    quote! {
        #(#lints)*
        #[allow(dead_code, clippy::unused_async, clippy::too_many_lines, clippy::needless_pass_by_value)]
        fn #twin #generics (#(#params),*) -> #output #body
    }
}

// `X.await` → `awaited(X)`, and `form·join(form·branch(A), …)` → `twin::joined((twin::kept(A), …))`.
/// Takes the awaits away.
struct Sync {
    /// What the twin makes of a branch of the form around.
    branch: &'static str,
}

impl Sync {
    /// The value that stands for a form.
    fn form(&mut self, form: Form, call: &mut ExprCall) -> TokenStream {
        let (branch, helper) = match form {
            Form::Branch => (self.branch, self.branch),
            Form::Timeout => (self.branch, "in_time"),
            Form::Spawn => (self.branch, "spawned"),
            Form::Undo => (self.branch, "compensated"),
            Form::Join => ("kept", "joined"),
            Form::TryJoin => ("fallible", "try_joined"),
            Form::Select => ("one", "selected"),
            Form::JoinAll => ("kept", "all_joined"),
        };
        let outer = std::mem::replace(&mut self.branch, branch);
        call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
        self.branch = outer;
        let span = match (form, call.args.first()) {
            (Form::Branch, Some(inner)) => inner.span(),
            _ => call.func.span(),
        };
        let (helper, args) = (Ident::new(helper, span), call.args.iter().collect::<Vec<_>>());
        let errors = own("errors");
        let args = match (form, args.as_slice()) {
            (Form::Join | Form::Select, branches) => quote_spanned!(span=> (#(#branches,)*)),
            (Form::TryJoin, branches) => {
                return quote_spanned! {span=> {
                    let #errors = ::refluxo::__private::twin::Errors::new();
                    ::refluxo::__private::twin::#helper(&#errors, (#(#branches,)*))
                }};
            }
            (Form::JoinAll, [calls, limit]) => {
                quote_spanned!(span=> #calls, ::core::option::Option::Some(#limit))
            }
            (Form::JoinAll, [calls]) => quote_spanned!(span=> #calls, ::core::option::Option::None),
            (Form::Branch, [block @ Expr::Async(_)]) => {
                quote_spanned!(span=> ::refluxo::__private::twin::block(#block))
            }
            (_, args) => quote_spanned!(span=> #(#args),*),
        };
        let args = if form == Form::Branch && branch == "fallible" {
            quote_spanned!(span=> &#errors, #args)
        } else {
            args
        };
        quote_spanned!(span=> ::refluxo::__private::twin::#helper(#args))
    }
}

impl VisitMut for Sync {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Call(call) = expr
            && let Expr::Path(path) = &*call.func
            && let Some(form) = Form::of(&path.path)
        {
            *expr = Expr::Verbatim(self.form(form, call));
            return;
        }
        visit_mut::visit_expr_mut(self, expr);
        if let Expr::Await(awaited) = expr {
            let base = &awaited.base;
            *expr = Expr::Verbatim(quote_spanned!(base.span()=> ::refluxo::__private::awaited(#base)));
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let Some(mut arguments) = Arguments::of(mac) else { return };
        for argument in &mut arguments.args {
            self.visit_expr_mut(&mut argument.expr);
        }
        mac.tokens = arguments.tokens();
    }

    fn visit_attributes_mut(&mut self, attrs: &mut Vec<Attribute>) {
        attrs.retain(|attr| !attr.path().is_ident("state"));
    }
}
