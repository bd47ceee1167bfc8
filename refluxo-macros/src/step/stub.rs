//! Items in place of a step that was refused, so that the rest of the user's program is not told off for it.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{
    Attribute, FnArg, GenericParam, Generics, PatType, ReturnType, Signature, Token, Type, parse_quote,
};

use super::{parse::Function, types};

// Input:
//   #[step]
//   pub fn charge(order: &mut Order) -> Receipt { … }
// Output:
//   pub struct charge {}
//   pub fn charge(_: &mut Order) -> charge { unreachable!() }
//   const _: () = {
//       impl Suspend for charge { type Output = Receipt; … }
//       impl IntoFuture for charge { … }
//       async fn __charge_body(order: &mut Order) -> Receipt { … }
//   };
pub(crate) fn items(function: &Function, in_transaction: bool) -> TokenStream {
    if function.sig.receiver().is_some() {
        return method(function);
    }
    let Function { vis, sig, .. } = function;
    let ident = &sig.ident;
    let generics = without_lifetimes(&sig.generics);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let markers = sig.generics.type_params().map(|param| &param.ident);
    let lent = usize::from(in_transaction && sig.inputs.first().is_some_and(is_lent_to_write));
    let inputs = sig.inputs.iter().skip(lent);
    let inputs = inputs.filter(|input| !is_injected(input)).map(|param| input(sig, param));
    let impls = impls(sig, &generics);
    let body = body(function);
    quote_hidden! {
        #[allow(non_camel_case_types, dead_code, private_interfaces)]
        #[derive(::refluxo::__private::serde::Serialize, ::refluxo::__private::serde::Deserialize)]
        #[serde(crate = "::refluxo::__private::serde", bound = "")]
        #vis struct #ident #impl_generics #where_clause {
            __marker: ::core::marker::PhantomData<fn() -> (#(#markers,)*)>,
        }

        #[allow(clippy::all, clippy::pedantic, dead_code)]
        #vis fn #ident #impl_generics (#(#inputs),*) -> #ident #type_generics #where_clause {
            ::core::unreachable!()
        }

        const _: () = { #impls #body };
    }
}

/// What a call of the step is asked for elsewhere.
fn impls(sig: &Signature, generics: &Generics) -> TokenStream {
    let ident = &sig.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let output = output(&sig.output);
    quote_hidden! {
        impl #impl_generics ::core::clone::Clone for #ident #type_generics #where_clause {
            fn clone(&self) -> Self {
                ::core::unreachable!()
            }
        }

        impl #impl_generics ::core::fmt::Debug for #ident #type_generics #where_clause {
            fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::unreachable!()
            }
        }

        impl #impl_generics ::refluxo::__private::Suspend for #ident #type_generics #where_clause {
            type Output = #output;

            fn pending(&self) -> ::refluxo::__private::Pending<'_> {
                ::core::unreachable!()
            }

            fn begin(self) -> ::refluxo::__private::Begin {
                ::core::unreachable!()
            }
        }

        impl #impl_generics ::core::future::IntoFuture for #ident #type_generics #where_clause {
            type Output = #output;
            type IntoFuture = ::refluxo::__private::Alone<#output>;

            fn into_future(self) -> Self::IntoFuture {
                ::core::unreachable!()
            }
        }
    }
}

/// A parameter of the constructor: of the user's type, where that can stand there.
fn input(sig: &Signature, param: &FnArg) -> TokenStream {
    let lifetimes = sig.generics.lifetimes().map(|param| &param.lifetime.ident).collect::<Vec<_>>();
    match param {
        FnArg::Typed(PatType { ty, .. })
            if types::unnamed(ty).is_none() && !types::mentions(ty.to_token_stream(), &lifetimes) =>
        {
            quote!(_: #ty)
        }
        FnArg::Typed(_) | FnArg::Receiver(_) => quote!(_: impl ::core::marker::Sized),
    }
}

/// The type and const parameters; the bounds too, unless they may name a lifetime that is gone.
fn without_lifetimes(generics: &Generics) -> Generics {
    let mut kept = generics.clone();
    kept.params =
        kept.params.into_iter().filter(|param| !matches!(param, GenericParam::Lifetime(_))).collect();
    if generics.lifetimes().next().is_some() {
        kept.where_clause = None;
    }
    for param in generics.type_params().map(|param| &param.ident) {
        kept.make_where_clause().predicates.push(parse_quote!(#param: 'static));
    }
    kept
}

/// What the function returns, where that is something that a step could return.
fn output(output: &ReturnType) -> TokenStream {
    match output {
        ReturnType::Type(_, ty)
            if types::unnamed(ty).is_none()
                && types::borrow(ty).is_none()
                && !matches!(**ty, Type::Never(_)) =>
        {
            quote!(#ty)
        }
        ReturnType::Type(..) | ReturnType::Default => quote!(()),
    }
}

/// The user's function: what is wrong in it is told too, and what it imports is used.
fn body(function: &Function) -> TokenStream {
    let Function { attrs, sig, body, .. } = function;
    let sig = Signature {
        constness: None,
        asyncness: sig.asyncness.or_else(|| Some(Token![async](sig.fn_token.span))),
        abi: None,
        ident: format_ident!("__{}_body", sig.ident),
        ..without_inject(sig)
    };
    quote!(#(#attrs)* #[allow(dead_code, non_snake_case, clippy::all, clippy::pedantic)] #sig #body)
}

/// A method stays what it is.
fn method(function: &Function) -> TokenStream {
    let Function { attrs, vis, sig, body } = function;
    let sig = without_inject(sig);
    quote!(#(#attrs)* #vis #sig #body)
}

/// The signature as rustc knows it.
fn without_inject(sig: &Signature) -> Signature {
    let mut sig = sig.clone();
    for input in &mut sig.inputs {
        if let FnArg::Typed(param) = input {
            param.attrs.retain(|attr| !is_inject(attr));
        }
    }
    sig
}

/// Whether the engine would pass this parameter.
fn is_injected(input: &FnArg) -> bool {
    match input {
        FnArg::Typed(param) => param.attrs.iter().any(is_inject),
        FnArg::Receiver(_) => false,
    }
}

/// Whether this is a `&mut`, as a transaction is.
fn is_lent_to_write(input: &FnArg) -> bool {
    match input {
        FnArg::Typed(param) => {
            matches!(&*param.ty, Type::Reference(reference) if reference.mutability.is_some())
        }
        FnArg::Receiver(_) => false,
    }
}

/// Whether this is `#[inject]`.
pub(crate) fn is_inject(attr: &Attribute) -> bool {
    attr.path().is_ident("inject")
}
