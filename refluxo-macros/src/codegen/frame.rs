//! What is generated once for each local rather than once for each state.
//!
//! A workflow of a hundred awaits and twenty locals has two thousand fields. rustc is fast on moves between places whose types
//! are written down, and slow on calls, so whatever needs a call (to decode, to encode, to seal) is done on a struct that has
//! one field for each saved local: the *frame*. A state is taken apart into a frame and built from one by moves.

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote};
use syn::Ident;

use super::{Context, Entry, bounds, names::own, snapshot::field_type};
use crate::{
    ir::Await,
    layout::{Field, Saved, State, json_name},
};

/// The names of the types that stand beside the enum.
pub(super) struct Types {
    /// A state without its call.
    pub(super) frame: Ident,
    /// The call of a state.
    pub(super) call: Ident,
    /// The borrowed locals of a state.
    fields: Ident,
}

impl Types {
    pub(super) fn of(context: &Context<'_>) -> Self {
        let machine = &context.source.enum_ident;
        Self {
            frame: format_ident!("{machine}Frame"),
            call: format_ident!("{machine}Call"),
            fields: format_ident!("{machine}Fields"),
        }
    }
}

/// Emits the three types and the ways between them and the enum.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let (types, frame, fields) = (types(context), frame(context), fields(context));
    quote!(#types #frame #fields)
}

// Output:
//   pub struct CheckoutFrame { at: u32, field_order_0: Option<Order>, field_held_1: Local }
//   enum CheckoutCall { Start, Reserve(reserve), Charge(charge) }
//   struct CheckoutFields<'a> { field_order_0: Option<&'a Order>, field_held_1: Option<&'a Local>, … }
fn types(context: &Context<'_>) -> TokenStream {
    let Types { frame, call, fields } = Types::of(context);
    let all = &context.layout.all;
    let owned = all.iter().map(|field| {
        let (place, ty) = (context.names.field(field.var), field_type(context, field));
        if inferred(context, field) {
            quote!(#place: #ty)
        } else {
            quote!(#place: ::core::option::Option<#ty>)
        }
    });
    let borrowed = all.iter().map(|field| {
        let (place, ty) = (context.names.field(field.var), field_type(context, field));
        quote!(#place: ::core::option::Option<&'a #ty>)
    });
    let calls = context.entries().map(|Entry { state, awaited, .. }| {
        let (ident, ty) = (&state.name, awaited.map(|Await { ty, .. }| quote!((#ty))));
        quote!(#ident #ty)
    });
    quote! {
        #[allow(unreachable_pub, private_interfaces)]
        pub struct #frame { at: u32, #(#owned,)* }

        #[allow(private_interfaces, clippy::large_enum_variant)]
        enum #call { #(#calls,)* }

        #[derive(Clone, Copy)]
        struct #fields<'a> { of: ::core::marker::PhantomData<&'a ()>, #(#borrowed,)* }
    }
}

/// What a frame can do.
fn frame(context: &Context<'_>) -> TokenStream {
    let frame = Types::of(context).frame;
    let empty = context.layout.all.iter().map(|field| {
        let place = context.names.field(field.var);
        if inferred(context, field) {
            quote!(#place: ::refluxo::Local::TAKEN)
        } else {
            quote!(#place: ::core::option::Option::None)
        }
    });
    let (fill, build, read) = (fill(context), build(context), read(context));
    quote! {
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        impl #frame {
            const EMPTY: Self = Self { at: 0, #(#empty,)* };
            #fill
            #build
            #read
        }
    }
}

/// What borrowed locals can do.
fn fields(context: &Context<'_>) -> TokenStream {
    let fields = Types::of(context).fields;
    let none = context.layout.all.iter().map(|field| context.names.field(field.var));
    let write = write(context);
    quote! {
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        impl #fields<'_> {
            const NONE: Self = Self {
                of: ::core::marker::PhantomData,
                #(#none: ::core::option::Option::None,)*
            };
            #write
        }
    }
}

/// The borrowed locals of a state whose fields are variables of their names.
pub(super) fn borrowed(context: &Context<'_>, fields: &[Field]) -> TokenStream {
    let name = Types::of(context).fields;
    let values = fields.iter().map(|field| {
        let (ident, place) = (&field.ident, context.names.field(field.var));
        quote!(#place: ::core::option::Option::Some(#ident))
    });
    quote!(#name { #(#values,)* ..#name::NONE })
}

/// Some of the fields of all states, as a set of their numbers.
pub(super) fn set<'f>(fields: impl Iterator<Item = &'f Field>) -> TokenStream {
    let mut words: Vec<u64> = Vec::new();
    for field in fields {
        let word = field.number / 64;
        words.resize(words.len().max(word + 1), 0);
        words[word] |= 1 << (field.number % 64);
    }
    quote!(::refluxo::__private::FieldSet::of(&[#(#words),*]))
}

/// `fn fill`: the locals of a state move into the frame, which is empty, and its call begins. The moves come first, since they
/// can't unwind.
fn fill(context: &Context<'_>) -> TokenStream {
    let machine = &context.source.enum_ident;
    let bounds = bounds::saved_outputs(context.program);
    let arms = context.entries().map(|Entry { at, state: State { name, fields }, awaited, .. }| {
        let idents = fields.iter().map(|field| &field.ident);
        let moves = fields.iter().map(|field| {
            let (ident, place) = (&field.ident, context.names.field(field.var));
            let value = if inferred(context, field) {
                quote!(#ident)
            } else {
                quote!(::core::option::Option::Some(#ident))
            };
            quote!(::refluxo::__private::fill(&mut self.#place, #value);)
        });
        let (call, begin) = match awaited {
            Some(_) => (Some(quote!(call,)), quote!(::refluxo::__private::Suspend::begin(call))),
            None => (None, quote!(::refluxo::__private::Begin::Start)),
        };
        quote! {
            #machine::#name { #call #(#idents,)* } => {
                self.at = #at;
                #(#moves)*
                #begin
            }
        }
    });
    quote! {
        #[inline(never)]
        fn fill(&mut self, state: #machine) -> ::refluxo::__private::Begin #bounds {
            match state { #(#arms)* }
        }
    }
}

/// `fn build`: a state from its call and the frame, by moves. What may unwind comes first, since rustc writes down for each call
/// that may what is then to be dropped.
fn build(context: &Context<'_>) -> TokenStream {
    let (machine, call) = (&context.source.enum_ident, Types::of(context).call);
    let arms = context.entries().map(|Entry { state: State { name, fields }, awaited, .. }| {
        let typed = fields.iter().filter(|field| !inferred(context, field)).map(|field| {
            let place = context.names.field(field.var);
            quote!(let #place = ::refluxo::__private::taken(&mut self.#place);)
        });
        let values = fields.iter().map(|field| {
            let (ident, place) = (&field.ident, context.names.field(field.var));
            if inferred(context, field) {
                quote!(#ident: ::core::mem::replace(&mut self.#place, ::refluxo::Local::TAKEN))
            } else {
                quote!(#ident: #place)
            }
        });
        let (pattern, field) = awaited.map(|_| (quote!((call)), quote!(call,))).unzip();
        quote! {
            #call::#name #pattern => {
                #(#typed)*
                #machine::#name { #field #(#values,)* }
            }
        }
    });
    quote! {
        #[inline(never)]
        fn build(&mut self, call: #call) -> #machine {
            match call { #(#arms)* }
        }
    }
}

/// `fn read`: the fields of a set, each decoded or, if its type was inferred, as it stands.
fn read(context: &Context<'_>) -> TokenStream {
    let all = &context.layout.all;
    let idents = all.iter().map(|field| context.names.field(field.var));
    // Those that can't be told as missing at once come last, so that no way out has to drop them.
    let (local, typed): (Vec<_>, Vec<_>) = all.iter().partition(|field| inferred(context, field));
    let typed = typed.into_iter().map(|field| {
        let (ident, number, name, ty) = (
            context.names.field(field.var),
            literal(field),
            json_name(&field.ident),
            field_type(context, field),
        );
        quote!(let #ident = reader.field_if::<#ty>(fields.has(#number), #name)?;)
    });
    let local = local.into_iter().map(|field| {
        let (ident, number, name) = (context.names.field(field.var), literal(field), json_name(&field.ident));
        quote!(let #ident = reader.raw_if(fields.has(#number), #name);)
    });
    quote! {
        fn read(
            at: u32,
            fields: ::refluxo::__private::FieldSet,
            reader: &mut ::refluxo::__private::StateReader<'_>,
        ) -> ::core::result::Result<Self, ::refluxo::__private::LoadError> {
            #(#typed)*
            #(#local)*
            ::core::result::Result::Ok(Self { at, #(#idents,)* })
        }
    }
}

/// `fn write`: the fields that are there.
fn write(context: &Context<'_>) -> TokenStream {
    let writes = context.layout.all.iter().map(|field| {
        let (ident, number, name) = (context.names.field(field.var), literal(field), json_name(&field.ident));
        let value = own("value");
        let write = match &context.layout.saved[&field.var] {
            Saved::As(ty) => quote!(writer.stable_field::<#ty>(#number, #name, #value);),
            Saved::Inferred => quote!(writer.stable_local(#number, #name, #value);),
        };
        quote!(if let ::core::option::Option::Some(#value) = self.#ident { #write })
    });
    quote! {
        #[inline(never)]
        fn write(self, writer: &mut ::refluxo::__private::StateWriter<'_>) {
            #(#writes)*
        }
    }
}

/// Whether the type of a field is inferred.
pub(super) fn inferred(context: &Context<'_>, field: &Field) -> bool {
    matches!(context.layout.saved[&field.var], Saved::Inferred)
}

/// The number of a field among those of all states.
pub(super) fn literal(field: &Field) -> Literal {
    Literal::usize_unsuffixed(field.number)
}
