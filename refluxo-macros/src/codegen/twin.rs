//! The twin: the body once as a plain function that is never called.
//!
//! It is for rustc alone: borrow errors, unused variables and the like are told of the code as the user wrote it. It is also
//! what proves that a borrow which is taken again on resume still means the same.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{
    Attribute, Expr, Macro,
    spanned::Spanned,
    visit_mut::{self, VisitMut},
};

use crate::{compile::Source, parse::macros::Arguments};

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
    Sync.visit_block_mut(&mut body);
    quote! {
        #(#lints)*
        #[allow(dead_code, clippy::unused_async, clippy::too_many_lines, clippy::needless_pass_by_value)]
        fn #twin #generics (#(#params),*) -> #output #body
    }
}

/// `X.await` → `awaited(X)`.
struct Sync;

impl VisitMut for Sync {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
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
