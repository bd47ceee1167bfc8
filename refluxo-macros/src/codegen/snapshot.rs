//! The enum, which is the snapshot.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Path, Type};

use super::{Context, Entry};
use crate::{
    ir::{Await, Kind, Rule},
    layout::{Field, Saved},
};

/// Emits the enum: one variant for each state.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let source = context.source;
    let (vis, name, docs, derives) = (&source.vis, &source.enum_ident, &source.docs, &source.derives);
    let about = format!("The states of the workflow [`{0}`](fn@{0}), which are its snapshot.", source.ident);
    let variants = context.entries().map(|Entry { state, awaited, .. }| {
        let (ident, fields) = (&state.name, fields(context, &state.fields));
        let doc = awaited.map_or_else(|| "Not started.".to_owned(), state_doc);
        let call = awaited.map(|Await { ty, .. }| quote!(call: #ty,));
        quote!(#[doc = #doc] #ident { #call #fields })
    });
    quote! {
        #[doc = #about]
        #[doc = ""]
        #(#docs)*
        #(#derives)*
        #[allow(missing_docs, private_interfaces, clippy::large_enum_variant)]
        #vis enum #name {
            #(#variants,)*
        }
    }
}

/// `order: Order, held: Local,`
fn fields(context: &Context<'_>, fields: &[Field]) -> TokenStream {
    fields
        .iter()
        .map(|field| {
            let (ident, ty) = (&field.ident, field_type(context, field));
            quote!(#ident: #ty,)
        })
        .collect()
}

/// The type of a field.
pub(super) fn field_type(context: &Context<'_>, field: &Field) -> Type {
    match &context.layout.saved[&field.var] {
        Saved::As(ty) => (**ty).clone(),
        Saved::Inferred => syn::parse_quote!(::refluxo::Local),
    }
}

/// What a state does, for the docs of its variant.
fn state_doc(awaited: &Await) -> String {
    match &awaited.kind {
        Kind::Call => awaited.paths.first().map_or_else(String::new, call_doc),
        Kind::Group { rule: Rule::All | Rule::Try, .. } => "Waits for several branches.".to_owned(),
        Kind::Group { rule: Rule::Any, .. } => "Waits for the first of several branches.".to_owned(),
        Kind::All { .. } => "Waits for a branch for each item.".to_owned(),
    }
}

fn call_doc(path: &Path) -> String {
    let name: String = quote!(#path).to_string().split_whitespace().collect();
    match path.segments.last().map(|last| last.ident.to_string()).as_deref() {
        Some("sleep" | "sleep_until") => "Sleeps.".to_owned(),
        Some("signal") => format!("Waits for a signal: `{name}`."),
        _ => format!("Runs `{name}`."),
    }
}
