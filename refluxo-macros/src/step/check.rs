//! What can't be a step: one rule a function.

use quote::ToTokens;
use syn::{Attribute, GenericParam, ReturnType, Signature, Type, ext::IdentExt};

use super::{StepAttrs, StepFn, options::Options, params, parse::Function, types};
use crate::{diag::Errors, messages::Message};

/// Checks a function against every rule and takes it apart.
pub(crate) fn function(errors: &Errors, function: &Function, options: Options) -> Option<StepFn> {
    let Function { attrs, vis, sig, body } = function;
    if let Some(receiver) = sig.receiver() {
        errors.on(receiver, &Message::StepMethod);
        return None;
    }
    asyncness(errors, sig, &options);
    together(errors, &options);
    qualifiers(errors, sig);
    generics(errors, sig);
    output(errors, &sig.output);
    let params = params::all(errors, sig, options.transaction.as_ref());
    Some(StepFn {
        attrs: sort_attrs(attrs),
        vis: vis.clone(),
        async_token: sig.asyncness,
        fn_token: sig.fn_token,
        paren_token: sig.paren_token,
        ident: sig.ident.clone(),
        name: options.name.as_ref().map_or_else(|| sig.ident.unraw().to_string(), syn::LitStr::value),
        options,
        generics: sig.generics.clone(),
        params,
        output: sig.output.clone(),
        body: body.clone(),
    })
}

/// A step is an `async fn`, unless it writes in a store's transaction. Only what awaits can be interrupted.
fn asyncness(errors: &Errors, sig: &Signature, options: &Options) {
    if sig.asyncness.is_some() {
        return;
    }
    if options.transaction.is_none() {
        errors.on(sig.fn_token, &Message::StepNotAsync);
    } else if options.timeout.is_some() {
        errors.on(sig.fn_token, &Message::TimeoutInBlocking);
    }
}

/// Options that exclude each other.
fn together(errors: &Errors, options: &Options) {
    if let (Some(transaction), Some(_)) = (&options.transaction, options.concurrency) {
        errors.on(transaction, &Message::ConcurrencyInTransaction);
    }
}

/// A step is called by the engine, so it is neither `const`, `unsafe`, `extern` nor variadic.
fn qualifiers(errors: &Errors, sig: &Signature) {
    let Signature { constness, safety, abi, variadic, .. } = sig;
    let qualifiers = [
        constness.to_token_stream(),
        safety.to_token_stream(),
        abi.to_token_stream(),
        variadic.to_token_stream(),
    ];
    for qualifier in qualifiers.iter().filter(|tokens| !tokens.is_empty()) {
        errors.on(qualifier, &Message::StepQualifier(qualifier.to_string()));
    }
}

/// A step's arguments come out of storage, so nothing in its signature has a lifetime of its own.
fn generics(errors: &Errors, sig: &Signature) {
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(lifetime) = param {
            errors.on(lifetime, &Message::StepLifetime(lifetime.lifetime.to_string()));
        }
    }
}

/// A step's output outlives the step, and the workflow's code needs its type.
fn output(errors: &Errors, output: &ReturnType) {
    let ReturnType::Type(_, ty) = output else { return };
    if let Type::Never(_) = **ty {
        errors.on(ty, &Message::StepNever);
    } else if let Some(unnamed) = types::unnamed(ty) {
        errors.on(unnamed, &Message::StepUnnamedOutput);
    } else if let Some(borrow) = types::borrow(ty) {
        errors.on(borrow, &Message::StepBorrowedOutput);
    }
}

/// Documentation goes to the struct and to its constructor, `#[cfg]` to everything, lints and the like to the body.
fn sort_attrs(attrs: &[Attribute]) -> StepAttrs {
    let mut sorted =
        StepAttrs { docs: Vec::new(), constructor: Vec::new(), cfg: Vec::new(), body: Vec::new() };
    for attr in attrs {
        let path = attr.path();
        let group = if path.is_ident("doc") {
            &mut sorted.docs
        } else if path.is_ident("deprecated") {
            &mut sorted.constructor
        } else if path.is_ident("cfg") {
            &mut sorted.cfg
        } else {
            &mut sorted.body
        };
        group.push(attr.clone());
    }
    sorted
}
