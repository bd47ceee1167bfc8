//! The enum, which is the snapshot.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Path, Type};

use super::Context;
use crate::{
    ir::{Await, Kind, Rule},
    layout::{Field, Saved, State},
};

/// Emits the enum: one variant for `Start`, one for each await.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let source = context.source;
    let (vis, name, docs, derives) = (&source.vis, &source.enum_ident, &source.docs, &source.derives);
    let about = format!("The states of the workflow [`{0}`](fn@{0}), which are its snapshot.", source.ident);
    let start = fields(context, &context.layout.start);
    let variants = states(context).map(|(state, awaited)| {
        let (ident, ty) = (&state.name, &awaited.ty);
        let doc = state_doc(awaited);
        let fields = fields(context, &state.fields);
        quote!(#[doc = #doc] #ident { call: #ty, #fields })
    });
    quote! {
        #[doc = #about]
        #[doc = ""]
        #(#docs)*
        #(#derives)*
        #[allow(missing_docs, private_interfaces, clippy::large_enum_variant)]
        #vis enum #name {
            #[doc = "Not started."]
            Start { #start },
            #(#variants,)*
        }
    }
}

/// The states that wait for a call, with their awaits.
pub(super) fn states<'c>(context: &'c Context<'_>) -> impl Iterator<Item = (&'c State, &'c Await)> {
    context.layout.states.iter().zip(&context.program.awaits)
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
