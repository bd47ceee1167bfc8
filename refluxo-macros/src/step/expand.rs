//! The items of a step. Nothing here can fail.

use proc_macro2::{Delimiter, Group, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::GenericParam;

use super::{
    StepAttrs, StepFn,
    params::{Argument, Param, Transaction},
    serial, traits,
};

// Input:
//   #[step]
//   pub async fn charge(#[inject] bank: &Bank, order: Order) -> Receipt { … }
// Output:
//   pub struct charge { pub order: Order }
//   pub fn charge(order: Order) -> charge { charge { order: order } }
//   const _: () = {
//       async fn __charge_body(bank: &Bank, order: Order) -> Receipt { … }
//       impl Call for charge { … }
//       impl Serialize, Deserialize, Debug, Clone, Suspend, Step, StepTask for charge { … }
//   };
pub(crate) fn items(step: &StepFn) -> TokenStream {
    let cfg = &step.attrs.cfg;
    let call_struct = call_struct(step);
    let constructor = constructor(step);
    let body = body(step);
    let serial = serial::impls(step);
    let traits = traits::impls(step);
    quote! {
        #call_struct
        #constructor
        #(#cfg)*
        const _: () = {
            #body
            #serial
            #traits
        };
    }
}

impl StepFn {
    /// The parameters that are stored with the call.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Argument> {
        self.params.iter().filter_map(|param| match param {
            Param::Argument(argument) => Some(argument),
            Param::Injected(_) | Param::Transaction(_) => None,
        })
    }

    /// The names of the type parameters.
    pub(crate) fn type_params(&self) -> Vec<&syn::Ident> {
        self.generics.type_params().map(|param| &param.ident).collect()
    }

    /// The call struct needs a field that uses its type parameters.
    pub(crate) fn has_marker(&self) -> bool {
        self.generics.type_params().next().is_some()
    }

    /// The function that holds the body.
    pub(crate) fn body_name(&self) -> syn::Ident {
        format_ident!("__{}_body", self.ident)
    }
}

/// The struct in the type namespace: braced, so that the value namespace stays free for the constructor.
fn call_struct(step: &StepFn) -> TokenStream {
    let StepFn { vis, ident, generics, name, .. } = step;
    let StepAttrs { docs, cfg, .. } = &step.attrs;
    let (params, where_clause) = (&generics.params, &generics.where_clause);
    let fields = step.arguments().map(|argument| {
        let (field, ty) = (&argument.ident, argument.stored_type());
        let doc = format!(" The argument `{field}`.");
        quote!(#[doc = #doc] #vis #field: #ty)
    });
    let marker = step.has_marker().then(|| {
        let idents = step.type_params();
        quote!(#[doc(hidden)] __marker: ::core::marker::PhantomData<fn() -> (#(#idents,)*)>)
    });
    let fields = fields.chain(marker);
    let gap = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
    let doc = format!(" A call of the step `{name}`, made by the function of the same name.");
    quote! {
        #(#docs)*
        #(#cfg)*
        #gap
        #[doc = #doc]
        #[must_use = "a step does nothing unless it is awaited"]
        #[allow(non_camel_case_types, non_snake_case, unreachable_pub, private_interfaces, dead_code)]
        #vis struct #ident<#params> #where_clause { #(#fields),* }
    }
}

/// The function in the value namespace: takes the arguments as the user wrote them and stores them.
///
/// From end to end it has the user's spans: rustc tells of a function that is never used only where it was written by hand.
fn constructor(step: &StepFn) -> TokenStream {
    let StepFn { vis, ident, generics, .. } = step;
    let StepAttrs { docs, constructor, cfg, .. } = &step.attrs;
    let (params, where_clause) = (&generics.params, &generics.where_clause);
    let (_, type_generics, _) = generics.split_for_impl();
    let inputs = step.arguments().map(|Argument { ident, ty, .. }| quote!(#ident: #ty));
    let fields = step.arguments().map(|argument| {
        let (field, value) = (&argument.ident, argument.store());
        quote!(#field: #value)
    });
    let marker = step.has_marker().then(|| quote!(__marker: ::core::marker::PhantomData));
    let fields = fields.chain(marker);
    let (fn_token, paren) = (&step.fn_token, step.paren_token.span);
    let inputs = quote_spanned!(paren.join()=> (#(#inputs),*));
    let output = quote_spanned!(paren.close()=> -> #ident #type_generics);
    let mut block = Group::new(Delimiter::Brace, quote!(#ident { #(#fields),* }));
    block.set_span(step.body.span());
    quote! {
        #(#docs)*
        #(#cfg)*
        #(#constructor)*
        #[allow(clippy::all, clippy::pedantic, clippy::nursery)]
        #vis #fn_token #ident<#params> #inputs #output #where_clause #block
    }
}

/// The user's own function, under a name that nobody else has.
fn body(step: &StepFn) -> TokenStream {
    let StepFn { generics, output, body, .. } = step;
    let (attrs, async_token, fn_token) = (&step.attrs.body, &step.async_token, &step.fn_token);
    let name = step.body_name();
    let (params, where_clause) = (&generics.params, &generics.where_clause);
    let inputs = step.params.iter().map(|param| match param {
        Param::Argument(Argument { attrs, mutability, ident, ty, .. }) => {
            quote!(#(#attrs)* #mutability #ident: #ty)
        }
        Param::Injected(injected) => {
            let (attrs, pat, ty) = (&injected.attrs, &injected.pat, &injected.ty);
            quote!(#(#attrs)* #pat: #ty)
        }
        Param::Transaction(Transaction { attrs, pat, ty, .. }) => quote!(#(#attrs)* #pat: #ty),
    });
    let inputs = quote_spanned!(step.paren_token.span.join()=> (#(#inputs),*));
    quote! {
        #(#attrs)*
        #[allow(non_snake_case, clippy::unused_async, clippy::needless_pass_by_value)]
        #async_token #fn_token #name<#params> #inputs #output #where_clause #body
    }
}

/// What a list of type arguments needs after the name of a generic function.
pub(crate) fn turbofish(step: &StepFn) -> TokenStream {
    let idents = step.generics.params.iter().filter_map(|param| match param {
        GenericParam::Type(param) => Some(&param.ident),
        GenericParam::Const(param) => Some(&param.ident),
        GenericParam::Lifetime(_) => None,
    });
    quote!(::<#(#idents),*>)
}
