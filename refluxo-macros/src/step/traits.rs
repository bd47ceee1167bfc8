//! What the call is to the engine: something to await, with a body to run.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Generics, ReturnType, parse_quote, spanned::Spanned};

use super::{
    StepFn,
    expand::turbofish,
    params::{Argument, Injected, Param, Transaction},
    serial, spec, types,
};

// Input:
//   async fn charge(#[inject] bank: &Bank, order: Order) -> Receipt { … }
// Output:
//   impl Suspend for charge { type Output = Receipt; pending, begin, describe }
//   impl Step for charge { NAME }
//   impl StepTask for charge { name, run (or run_in), spec, copy, into_any, arguments }
//   impl IntoFuture for charge { … }                         // only where nothing is lent by the engine
pub(crate) fn impls(step: &StepFn) -> TokenStream {
    let generics = runnable_generics(step);
    let suspend = suspend(step, &generics);
    let task = task(step, &generics);
    let future = into_future(step, &generics);
    let returns = returns(step);
    quote_hidden!(#returns #suspend #task #future)
}

/// The step's generics, with what it takes to run the step on another thread.
///
/// Where that is known here and now, `for<'any>` makes rustc look at the bound where the step is used: it was told of where the
/// arguments are written and in [`returns`], and twice is too often.
fn runnable_generics(step: &StepFn) -> Generics {
    let mut generics = serial::storable_generics(step);
    let idents = step.type_params();
    let mut bound = |predicate| generics.make_where_clause().predicates.push(predicate);
    for ident in &idents {
        bound(parse_quote!(#ident: ::core::marker::Send + 'static));
    }
    let shared = step.params.iter().filter_map(|param| match param {
        Param::Argument(argument) => argument.is_borrowed().then(|| argument.stored_type()),
        Param::Injected(injected) => Some(injected.resource.to_token_stream()),
        Param::Transaction(_) => None,
    });
    for ty in shared.filter(|ty| types::mentions(ty.clone(), &idents)) {
        bound(parse_quote!(#ty: ::core::marker::Send + ::core::marker::Sync + 'static));
    }
    for ty in step.arguments().map(Argument::stored_type).chain([output_type(step)]) {
        bound(if types::mentions(ty.clone(), &idents) {
            parse_quote!(#ty: ::core::marker::Send + 'static)
        } else {
            parse_quote!(for<'any> #ty: ::core::marker::Send)
        });
    }
    generics
}

// Input:
//   async fn charge(order: Order) -> Receipt { … }
// Output:
//   const _: fn() = returns::<Receipt>;
fn returns(step: &StepFn) -> TokenStream {
    let output = output_type(step);
    if types::mentions(output.clone(), &step.type_params()) {
        return TokenStream::new();
    }
    quote_hidden!(const _: fn() = ::refluxo::__private::returns::<#output>;)
}

/// What a workflow awaits.
fn suspend(step: &StepFn, generics: &Generics) -> TokenStream {
    let ident = &step.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let output = output_type(step);
    let transaction = transaction(step).map(|Transaction { lent, .. }| {
        quote_hidden!(description.require_transaction::<#lent>(<Self as ::refluxo::__private::Step>::NAME);)
    });
    let requirements = resources(step).map(|Injected { resource, .. }| {
        quote_hidden!(description.require::<#resource>(<Self as ::refluxo::__private::Step>::NAME);)
    });
    quote_hidden! {
        impl #impl_generics ::refluxo::__private::Suspend for #ident #type_generics #where_clause {
            type Output = #output;

            fn pending(&self) -> ::refluxo::__private::Pending<'_> {
                ::refluxo::__private::Pending::Step { name: <Self as ::refluxo::__private::Step>::NAME }
            }

            #[inline(never)]
            fn begin(self) -> ::refluxo::__private::Begin {
                ::refluxo::__private::Begin::Step(::std::boxed::Box::new(self))
            }

            fn describe(description: &mut ::refluxo::__private::Description) {
                let _ = &description;
                #transaction
                #(#requirements)*
            }
        }

        impl #impl_generics ::refluxo::__private::Step for #ident #type_generics #where_clause {
            const NAME: &'static str = <Self as ::refluxo::__private::Call>::NAME;
        }
    }
}

// Input:
//   async fn charge(#[inject] bank: &Bank, order: Order, sku: &str) -> Receipt { … }
// Output:
//   fn run(self: Box<Self>, context: StepContext, resources: Arc<Resources>) -> StepFuture {
//       Box::pin(async move {
//           let call = *self;
//           Outcome::new(__charge_body(resources.get::<Bank>(), call.order, &call.sku).await)
//       })
//   }
//
// or, with `transaction`, the same as `run_in`, whose transaction is the body's first argument; `run` panics then.
fn task(step: &StepFn, generics: &Generics) -> TokenStream {
    let ident = &step.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let (body, turbofish) = (step.body_name(), turbofish(step));
    let told_at = Span::mixed_site().located_at(step.ident.span());
    let is_async = step.async_token.is_some();
    let values = step.params.iter().map(|param| match param {
        Param::Transaction(Transaction { lent, .. }) => {
            let known = if is_async { quote_hidden!(in_async) } else { quote_hidden!(in_blocking) };
            let at = Span::mixed_site().located_at(lent.span());
            quote_spanned!(at=> ::refluxo::__private::#known::<#lent>(transaction))
        }
        Param::Injected(injected) if injected.is_context() => quote_hidden!(&context),
        Param::Injected(Injected { resource, .. }) => quote_hidden!(resources.get::<#resource>()),
        Param::Argument(argument @ Argument { ident, .. }) if argument.is_borrowed() => {
            quote_hidden!(&call.#ident)
        }
        Param::Argument(Argument { ident, .. }) => quote_hidden!(call.#ident),
    });
    let awaiting = is_async.then(|| quote_spanned!(told_at=> .await));
    let future = quote_spanned! {told_at=>
        ::std::boxed::Box::pin(async move {
            let call = *self;
            let _ = (&call, &context, &resources);
            ::refluxo::__private::Outcome::new(#body #turbofish(#(#values),*) #awaiting)
        })
    };
    let run = run(step, &future);
    let spec = spec::spec(step, &output_type(step));
    quote_hidden! {
        impl #impl_generics ::refluxo::__private::StepTask for #ident #type_generics #where_clause {
            fn name(&self) -> &'static str {
                <Self as ::refluxo::__private::Step>::NAME
            }

            #run

            #spec

            fn copy(
                &self,
            ) -> ::core::result::Result<
                ::std::boxed::Box<dyn ::refluxo::__private::StepTask>,
                ::refluxo::__private::JsonError,
            > {
                ::refluxo::__private::copy_call(self).map(|call| ::std::boxed::Box::new(call) as _)
            }

            fn into_any(self: ::std::boxed::Box<Self>) -> ::std::boxed::Box<dyn ::core::any::Any + ::core::marker::Send> {
                self
            }

            fn arguments(
                &self,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), ::refluxo::__private::JsonError> {
                ::refluxo::__private::call_json(self, out)
            }
        }
    }
}

/// The functions that run the body: in the store's transaction or without one.
fn run(step: &StepFn, future: &TokenStream) -> TokenStream {
    let alone = |body: &TokenStream| {
        quote_hidden! {
            fn run(
                self: ::std::boxed::Box<Self>,
                context: ::refluxo::__private::StepContext,
                resources: ::std::sync::Arc<::refluxo::__private::Resources>,
            ) -> ::refluxo::__private::StepFuture {
                #body
            }
        }
    };
    if transaction(step).is_none() {
        return alone(future);
    }
    let refused = alone(&quote_hidden! {
        let _ = (context, resources);
        ::std::boxed::Box::pin(async move {
            ::refluxo::__private::no_transaction(<Self as ::refluxo::__private::Step>::NAME)
        })
    });
    quote_hidden! {
        #refused

        fn run_in<'transaction>(
            self: ::std::boxed::Box<Self>,
            transaction: &'transaction mut (dyn ::core::any::Any + ::core::marker::Send),
            context: ::refluxo::__private::StepContext,
            resources: ::std::sync::Arc<::refluxo::__private::Resources>,
        ) -> ::refluxo::__private::TransactionFuture<'transaction, ::refluxo::__private::Outcome> {
            #future
        }
    }
}

/// Outside a workflow, a step that needs nothing from the engine simply runs.
fn into_future(step: &StepFn, generics: &Generics) -> TokenStream {
    if step.params.iter().any(|param| matches!(param, Param::Injected(_) | Param::Transaction(_))) {
        return TokenStream::new();
    }
    let ident = &step.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let output = output_type(step);
    quote_hidden! {
        impl #impl_generics ::core::future::IntoFuture for #ident #type_generics #where_clause {
            type Output = #output;
            type IntoFuture = ::refluxo::__private::Alone<#output>;

            fn into_future(self) -> Self::IntoFuture {
                ::refluxo::__private::run_alone(self)
            }
        }
    }
}

/// The resources that the engine must hold for the step.
fn resources(step: &StepFn) -> impl Iterator<Item = &Injected> {
    step.params.iter().filter_map(|param| match param {
        Param::Injected(injected) if !injected.is_context() => Some(injected),
        Param::Injected(_) | Param::Argument(_) | Param::Transaction(_) => None,
    })
}

/// The transaction that the step writes in.
fn transaction(step: &StepFn) -> Option<&Transaction> {
    step.params.iter().find_map(|param| match param {
        Param::Transaction(transaction) => Some(transaction),
        Param::Injected(_) | Param::Argument(_) => None,
    })
}

/// What the step returns.
fn output_type(step: &StepFn) -> TokenStream {
    match &step.output {
        ReturnType::Default => quote_spanned!(step.ident.span()=> ()),
        ReturnType::Type(_, ty) => quote_spanned!(ty.span()=> #ty),
    }
}
