//! The implementation of `Machine`, field by field.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, parse_quote};

use super::{
    Context, Entry, bounds,
    forms::Undo,
    frame::{self, Types},
    graph,
    names::Distinct,
};
use crate::{
    ir::Await,
    layout::{Field, State},
};

/// Emits the implementations that tell the engine what the workflow is.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let source = context.source;
    let (machine, output, name, version) =
        (&source.enum_ident, &source.output, &source.name, &source.version);
    let frame = Types::of(context).frame;
    let graph = graph::emit(context);
    let (at, pending, begin) = (at(context), pending(context), begin(context));
    let (encode, decode) = (encode(context), decode(context));
    let (limit, undo) = (limit(context), undo(context));
    let describe = describe(context);
    let resume = super::dispatch::resume(context);
    let accepts = accepts(context);
    let bounds = bounds::saved_outputs(context.program);
    quote! {
        #[automatically_derived]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        impl ::refluxo::__private::Machine for #machine #bounds {
            type Output = #output;
            type Frame = #frame;
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            const GRAPH: &'static ::refluxo::__private::Graph = #graph;
            #at
            #pending
            #begin
            #resume
            #limit
            #undo
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
    let arms = context.entries().map(|Entry { state, .. }| {
        let (ident, name) = (&state.name, state.name.to_string());
        quote!(Self::#ident { .. } => #name,)
    });
    quote! {
        fn at(&self) -> &'static str {
            match self { #(#arms)* }
        }
    }
}

/// `fn pending`.
fn pending(context: &Context<'_>) -> TokenStream {
    let arms = context.entries().map(|Entry { state, awaited, .. }| {
        let ident = &state.name;
        if awaited.is_some() {
            quote!(Self::#ident { call, .. } => ::refluxo::__private::Suspend::pending(call),)
        } else {
            quote!(Self::#ident { .. } => ::refluxo::__private::Pending::Start,)
        }
    });
    quote! {
        fn pending(&self) -> ::refluxo::__private::Pending<'_> {
            match self { #(#arms)* }
        }
    }
}

/// `fn limit`, if there are states that may last a limited time.
fn limit(context: &Context<'_>) -> Option<TokenStream> {
    let timed = context.entries().filter(|entry| entry.awaited.is_some_and(Await::is_timed));
    let timed: Vec<&Ident> = timed.map(|entry| &entry.state.name).collect();
    (!timed.is_empty()).then(|| {
        quote! {
            fn limit(&self) -> ::core::option::Option<::core::time::Duration> {
                match self {
                    #(Self::#timed { call, .. } => ::refluxo::__private::Suspend::limit(call),)*
                    _ => ::core::option::Option::None,
                }
            }
        }
    })
}

/// `fn undo`, if there are calls that undo.
fn undo(context: &Context<'_>) -> Option<TokenStream> {
    let arms = context.undos.iter().map(|Undo { name, path }| {
        quote! {
            #name => ::refluxo::__private::undoing::<(#path)>(call, |output| {
                #[allow(unused_imports)]
                use ::refluxo::__private::NeverFails as _;
                ::refluxo::__private::Verdict(output).failed()
            }),
        }
    });
    (!context.undos.is_empty()).then(|| {
        quote! {
            fn undo(
                name: &str,
                call: &::refluxo::__private::RawValue,
            ) -> ::core::result::Result<::refluxo::__private::Undoing, ::refluxo::__private::LoadError> {
                match name {
                    #(#arms)*
                    other => ::core::result::Result::Err(
                        ::refluxo::__private::unknown_undo(<Self as ::refluxo::__private::Machine>::NAME, other)
                    ),
                }
            }
        }
    })
}

/// `fn begin`: the call leaves, the locals stay.
fn begin(context: &Context<'_>) -> TokenStream {
    let frame = Types::of(context).frame;
    quote! {
        fn begin(self) -> (::refluxo::__private::Begin, Self::Frame) {
            let mut frame = #frame::EMPTY;
            let begin = frame.fill(self);
            (begin, frame)
        }
    }
}

/// `fn encode`.
fn encode(context: &Context<'_>) -> TokenStream {
    let arms = context.entries().map(|Entry { state: State { name, fields }, awaited, .. }| {
        let (idents, borrowed) = (idents(fields), frame::borrowed(context, fields));
        let stable = frame::set(fields.iter().filter(|field| field.stable));
        let (call, write) = awaited.map(|_| (quote!(call,), quote!(writer.field("call", call);))).unzip();
        quote! {
            Self::#name { #call #idents } => {
                #write
                (#stable, #borrowed)
            }
        }
    });
    quote! {
        fn encode(&self, writer: &mut ::refluxo::__private::StateWriter<'_>) {
            let (stable, fields) = match self { #(#arms)* };
            writer.only_stable(stable);
            fields.write(writer);
        }
    }
}

/// `fn decode`.
fn decode(context: &Context<'_>) -> TokenStream {
    let Types { frame, call, .. } = Types::of(context);
    let name = &context.source.name;
    let arms = context.entries().map(|Entry { at, state, awaited, .. }| {
        let (ident, text) = (&state.name, state.name.to_string());
        let fields = frame::set(state.fields.iter());
        let field = awaited.map(|_| quote!((reader.field("call")?)));
        quote!(#text => (#at, #call::#ident #field, #fields),)
    });
    quote! {
        fn decode(
            at: &str,
            mut reader: ::refluxo::__private::StateReader<'_>,
        ) -> ::core::result::Result<Self, ::refluxo::__private::LoadError> {
            let (at, call, fields) = match at {
                #(#arms)*
                other => return ::core::result::Result::Err(::refluxo::__private::unknown_state(#name, other)),
            };
            let mut frame = #frame::read(at, fields, &mut reader)?;
            reader.finish()?;
            ::core::result::Result::Ok(frame.build(call))
        }
    }
}

/// `fn describe`: every distinct call.
fn describe(context: &Context<'_>) -> TokenStream {
    let mut known = Distinct::default();
    let calls = context.program.awaits.iter().flat_map(|awaited| &awaited.paths);
    let calls = calls.chain(context.undos.iter().map(|undo| &undo.path));
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
    let bounds = bounds::saved_outputs(context.program);
    let paths = context.program.awaits.iter().flat_map(|awaited| &awaited.paths);
    paths
        .filter_map(crate::compile::signal_type)
        .filter(|ty| known.insert(quote!(#ty).to_string()))
        .chain(hidden)
        .map(|ty| {
            quote! {
                #[automatically_derived]
                impl ::refluxo::__private::Accepts<#ty> for #machine #bounds {}
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
