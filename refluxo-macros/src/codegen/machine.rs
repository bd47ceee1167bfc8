//! The implementation of `Machine`, field by field.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use super::{
    Context, graph,
    names::Distinct,
    snapshot::{frame_name, states},
};
use crate::layout::{Field, Saved};

/// Emits the implementations that tell the engine what the workflow is.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let source = context.source;
    let (machine, output, name, version) =
        (&source.enum_ident, &source.output, &source.name, &source.version);
    let frame = frame_name(context);
    let graph = graph::emit(context);
    let (at, pending, begin) = (at(context), pending(context), begin(context));
    let (encode, decode) = (encode(context), decode(context));
    let describe = describe(context);
    let resume = super::dispatch::resume(context);
    let accepts = accepts(context);
    quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        impl ::refluxo::__private::Machine for #machine {
            type Output = #output;
            type Frame = #frame;
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            const GRAPH: &'static ::refluxo::__private::Graph = #graph;
            #at
            #pending
            #begin
            #resume
            #encode
            #decode
            #describe
            fn failed(output: &Self::Output) -> bool {
                #[allow(unused_imports)]
                use ::refluxo::__private::NeverFails as _;
                ::refluxo::__private::Verdict(output).failed()
            }
        }

        #[automatically_derived]
        impl ::refluxo::__private::Awaitable for #machine {
            type Output = #output;
        }

        #accepts
    }
}

/// `fn at`.
fn at(context: &Context<'_>) -> TokenStream {
    let arms = context.layout.states.iter().map(|state| {
        let (ident, name) = (&state.name, state.name.to_string());
        quote!(Self::#ident { .. } => #name,)
    });
    quote! {
        fn at(&self) -> &'static str {
            match self { Self::Start { .. } => "Start", #(#arms)* }
        }
    }
}

/// `fn pending`.
fn pending(context: &Context<'_>) -> TokenStream {
    let arms = context.layout.states.iter().map(|state| {
        let ident = &state.name;
        quote!(Self::#ident { call, .. } => ::refluxo::__private::Suspend::pending(call),)
    });
    quote! {
        fn pending(&self) -> ::refluxo::__private::Pending<'_> {
            match self { Self::Start { .. } => ::refluxo::__private::Pending::Start, #(#arms)* }
        }
    }
}

/// `fn begin`: the call leaves, the locals stay.
fn begin(context: &Context<'_>) -> TokenStream {
    let frame = frame_name(context);
    let start = idents(&context.layout.start);
    let arms = context.layout.states.iter().map(|state| {
        let (ident, fields) = (&state.name, idents(&state.fields));
        quote! {
            Self::#ident { call, #fields } => {
                let frame = #frame::#ident { #fields };
                (::refluxo::__private::Suspend::begin(call), frame)
            }
        }
    });
    quote! {
        fn begin(self) -> (::refluxo::__private::Begin, Self::Frame) {
            match self {
                Self::Start { #start } => (::refluxo::__private::Begin::Start, #frame::Start { #start }),
                #(#arms)*
            }
        }
    }
}

/// `fn encode`.
fn encode(context: &Context<'_>) -> TokenStream {
    let start = encode_fields(context, &context.layout.start);
    let start_idents = idents(&context.layout.start);
    let arms = context.layout.states.iter().map(|state| {
        let (ident, fields) = (&state.name, idents(&state.fields));
        let writes = encode_fields(context, &state.fields);
        quote! {
            Self::#ident { call, #fields } => {
                writer.field("call", call);
                #writes
            }
        }
    });
    quote! {
        fn encode(&self, _: &::refluxo::__private::Changes, writer: &mut ::refluxo::__private::StateWriter<'_>) {
            match self {
                Self::Start { #start_idents } => { #start }
                #(#arms)*
            }
        }
    }
}

/// `writer.field("order", order);` for each field.
fn encode_fields(context: &Context<'_>, fields: &[Field]) -> TokenStream {
    fields
        .iter()
        .zip(0_u32..)
        .map(|(field, number)| {
            let (ident, name) = (&field.ident, json_name(field));
            match (&context.layout.saved[&field.var], field.stable) {
                (Saved::As(ty), false) => quote!(writer.field::<#ty>(#name, #ident);),
                (Saved::As(ty), true) => quote!(writer.stable_field::<#ty>(#number, #name, #ident);),
                (Saved::Inferred, false) => quote!(writer.local(#name, #ident);),
                (Saved::Inferred, true) => quote!(writer.stable_local(#number, #name, #ident);),
            }
        })
        .collect()
}

/// `fn decode`. Every field is read before the state is built. Each state has a function of its own, since the time that a
/// function takes to compile grows faster than its length.
fn decode(context: &Context<'_>) -> TokenStream {
    let (machine, name) = (&context.source.enum_ident, &context.source.name);
    let arm = |ident: &syn::Ident, call: TokenStream, call_field: TokenStream, fields: &[Field]| {
        let (text, idents) = (ident.to_string(), idents(fields));
        let reads = decode_fields(context, fields);
        quote! {
            #text => {
                #[inline(never)]
                fn decode(
                    mut reader: ::refluxo::__private::StateReader<'_>,
                ) -> ::core::result::Result<#machine, ::refluxo::__private::LoadError> {
                    #call
                    #reads
                    reader.finish()?;
                    ::core::result::Result::Ok(#machine::#ident { #call_field #idents })
                }
                decode(reader)
            }
        }
    };
    let start = arm(&syn::parse_quote!(Start), quote!(), quote!(), &context.layout.start);
    let arms = context.layout.states.iter().map(|state| {
        arm(&state.name, quote!(let call = reader.field("call")?;), quote!(call,), &state.fields)
    });
    quote! {
        fn decode(
            at: &str,
            reader: ::refluxo::__private::StateReader<'_>,
        ) -> ::core::result::Result<Self, ::refluxo::__private::LoadError> {
            match at {
                #start
                #(#arms)*
                other => ::core::result::Result::Err(::refluxo::__private::unknown_state(#name, other)),
            }
        }
    }
}

/// `let order = reader.field("order")?;` for each field, and then `let held = reader.raw("held");` for each whose type was
/// inferred: those come last, so that no way out has to drop them.
fn decode_fields(context: &Context<'_>, fields: &[Field]) -> TokenStream {
    let (mut typed, mut raw) = (TokenStream::new(), TokenStream::new());
    for field in fields {
        let (ident, name) = (&field.ident, json_name(field));
        match &context.layout.saved[&field.var] {
            Saved::As(ty) => typed.extend(quote!(let #ident = reader.field::<#ty>(#name)?;)),
            Saved::Inferred => raw.extend(quote!(let #ident = reader.raw(#name);)),
        }
    }
    quote!(#typed #raw)
}

/// `fn describe`: every distinct call.
fn describe(context: &Context<'_>) -> TokenStream {
    let mut known = Distinct::default();
    let calls = context.program.awaits.iter().map(|awaited| &awaited.path);
    let calls = calls.filter(|path| known.insert(quote!(#path).to_string()));
    quote! {
        fn describe(description: &mut ::refluxo::__private::Description) {
            // In parentheses, or rustc would tell of a function that is not a type a second time, in other words.
            #(description.call::<(#calls)>();)*
        }
    }
}

/// `impl Accepts<Signal>` for each distinct signal.
fn accepts(context: &Context<'_>) -> TokenStream {
    let machine = &context.source.enum_ident;
    let mut known = Distinct::default();
    // Two that nobody can send, so that rustc does not guess which one a wrong signal was meant to be.
    let hidden = [parse_quote!(::refluxo::__private::Nothing), parse_quote!(::refluxo::__private::Nobody)];
    states(context)
        .filter_map(|(_, awaited)| crate::compile::signal_type(&awaited.path))
        .filter(|ty| known.insert(quote!(#ty).to_string()))
        .chain(hidden)
        .map(|ty| {
            quote! {
                #[automatically_derived]
                impl ::refluxo::__private::Accepts<#ty> for #machine {}
            }
        })
        .collect()
}

/// `order, held,`
fn idents(fields: &[Field]) -> TokenStream {
    fields
        .iter()
        .map(|field| {
            let ident = &field.ident;
            quote!(#ident,)
        })
        .collect()
}

/// The name of a field in JSON: without `r#`.
pub(super) fn json_name(field: &Field) -> String {
    field.ident.to_string().trim_start_matches("r#").to_owned()
}
