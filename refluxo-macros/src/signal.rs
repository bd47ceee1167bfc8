//! `#[derive(Signal)]`.

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::{DeriveInput, Generics, Meta, ext::IdentExt, parse_quote};

use crate::{diag::Errors, messages::Message, step::options};

// Input:
//   #[signal(name = "approved")]
//   struct Approval { … }
// Output:
//   impl Signal for Approval { const NAME: &'static str = "approved"; }
pub(crate) fn derive(item: TokenStream) -> TokenStream {
    let errors = Errors::new();
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => {
            errors.push(error);
            return errors.finish();
        }
    };
    let generics = generics(&errors, &input);
    let name = name(&errors, &input);
    let ident = &input.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let error = errors.finish();
    quote_spanned! {Span::mixed_site()=>
        #error
        impl #impl_generics ::refluxo::__private::Signal for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;
        }
    }
}

/// A signal is one type with one name. One that is not is taken as it comes, so that nothing else is told of it.
fn generics(errors: &Errors, input: &DeriveInput) -> Generics {
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        errors.on(&generics.params, &Message::SignalGeneric);
        generics.make_where_clause().predicates.push(parse_quote!(Self: ::refluxo::Saved));
    }
    generics
}

/// The type's name, unless `#[signal(name = "…")]` gives another.
fn name(errors: &Errors, input: &DeriveInput) -> String {
    let mut name = input.ident.unraw().to_string();
    for attr in input.attrs.iter().filter(|attr| attr.path().is_ident("signal")) {
        let given = attr.parse_args::<Meta>();
        match given.as_ref().ok().filter(|meta| meta.path().is_ident("name")).and_then(options::name_value) {
            Some(given) if !given.value().is_empty() => name = given.value(),
            _ => errors.on(attr, &Message::SignalSyntax),
        }
    }
    name
}
