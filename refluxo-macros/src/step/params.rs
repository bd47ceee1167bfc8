//! The parameters of a step: what is stored with the call and what the engine injects.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, FnArg, Meta, Pat, PatIdent, PatType, Signature, Token, Type, TypeReference, spanned::Spanned,
};

use super::{stub, types};
use crate::{diag::Errors, messages::Message};

/// A parameter of a step.
pub(crate) enum Param {
    /// An argument.
    Argument(Argument),
    /// A resource.
    Injected(Injected),
    /// The store's transaction.
    Transaction(Transaction),
}

/// A parameter that is stored with the call.
pub(crate) struct Argument {
    /// The attributes that stay with the body's parameter.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) mutability: Option<Token![mut]>,
    pub(crate) ident: Ident,
    /// The type as written.
    pub(crate) ty: Type,
    pub(crate) storage: Storage,
}

/// How an argument is stored.
pub(crate) enum Storage {
    /// As it is.
    Owned,
    /// `&str` as a `String`.
    Str,
    /// `&[T]` as a `Vec<T>`.
    Slice(Type),
    /// `&Path` as its owned form, like everything that is `ToOwned` and not `Clone`.
    Path(Type),
    /// `&T` as a `T`.
    Ref(Type),
}

/// A parameter marked `#[inject]`.
pub(crate) struct Injected {
    /// The attributes that stay with the body's parameter.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) pat: Pat,
    /// The type as written, with its `&`.
    pub(crate) ty: Type,
    /// The type behind the `&`.
    pub(crate) resource: Type,
}

/// The first parameter of a step with `transaction`.
pub(crate) struct Transaction {
    /// The attributes that stay with the body's parameter.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) pat: Pat,
    /// The type as written, with its `&mut`.
    pub(crate) ty: Type,
    /// The type behind the `&mut`.
    pub(crate) lent: Type,
}

impl Injected {
    /// `&StepContext` is known by its last segment: it is not a resource but says where the step runs.
    pub(crate) fn is_context(&self) -> bool {
        is_context(&self.resource)
    }
}

impl Argument {
    /// The type of the call's field.
    pub(crate) fn stored_type(&self) -> TokenStream {
        let span = self.ty.span();
        match &self.storage {
            Storage::Owned => self.ty.to_token_stream(),
            Storage::Str => quote_spanned!(span=> ::std::string::String),
            Storage::Slice(element) => quote_spanned!(span=> ::std::vec::Vec<#element>),
            Storage::Path(ty) => quote_spanned!(span=> <#ty as ::std::borrow::ToOwned>::Owned),
            Storage::Ref(ty) => ty.to_token_stream(),
        }
    }

    // Input:
    //   sku: &str
    // Output:
    //   ::std::borrow::ToOwned::to_owned(sku)
    pub(crate) fn store(&self) -> TokenStream {
        let (ident, span) = (&self.ident, self.ty.span());
        match self.storage {
            Storage::Owned => quote!(#ident),
            Storage::Ref(_) => quote_spanned!(span=> ::core::clone::Clone::clone(#ident)),
            Storage::Str | Storage::Slice(_) | Storage::Path(_) => {
                quote_spanned!(span=> ::std::borrow::ToOwned::to_owned(#ident))
            }
        }
    }

    /// Whether the body gets a reference to what is stored.
    pub(crate) fn is_borrowed(&self) -> bool {
        !matches!(self.storage, Storage::Owned)
    }
}

/// Checks the parameters and takes them apart. The first one is the transaction, if there is one.
pub(crate) fn all(errors: &Errors, sig: &Signature, in_transaction: Option<&syn::Path>) -> Vec<Param> {
    let mut typed = sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(param) => Some(param),
        FnArg::Receiver(_) => None,
    });
    let first = in_transaction.and_then(|option| {
        let first = typed.next();
        if first.is_none() {
            errors.on(option, &Message::TransactionParameter);
        }
        transaction(errors, first?).map(Param::Transaction)
    });
    first.into_iter().chain(typed.filter_map(|param| one(errors, param))).collect()
}

/// The store's transaction is lent to be written in, and its type is the store's own.
fn transaction(errors: &Errors, param: &PatType) -> Option<Transaction> {
    if let Type::Reference(TypeReference { mutability: Some(_), elem, .. }) = ungroup(&param.ty) {
        let transaction = ungroup(elem);
        let (attrs, injects): (Vec<_>, Vec<_>) =
            param.attrs.iter().cloned().partition(|attr| !stub::is_inject(attr));
        let is_named = matches!(transaction, Type::Path(_)) && types::borrow(transaction).is_none();
        if is_named && types::unnamed(transaction).is_none() && injects.is_empty() {
            let (pat, ty) = ((*param.pat).clone(), (*param.ty).clone());
            return Some(Transaction { attrs, pat, ty, lent: transaction.clone() });
        }
    }
    errors.on(param, &Message::TransactionParameter);
    None
}

/// A parameter is an argument unless `#[inject]` stands before it.
fn one(errors: &Errors, param: &PatType) -> Option<Param> {
    let (inject, attrs): (Vec<_>, Vec<_>) = param.attrs.iter().cloned().partition(stub::is_inject);
    match inject.first() {
        None => argument(errors, param, attrs).map(Param::Argument),
        Some(attr) => {
            if !matches!(attr.meta, Meta::Path(_)) {
                errors.on(attr, &Message::InjectSyntax);
            }
            injected(errors, param, attrs).map(Param::Injected)
        }
    }
}

/// An injected parameter is a shared reference to a sized type.
fn injected(errors: &Errors, param: &PatType, attrs: Vec<Attribute>) -> Option<Injected> {
    let Type::Reference(TypeReference { mutability: None, lifetime, elem, .. }) = ungroup(&param.ty) else {
        errors.on(&param.ty, &Message::InjectedNotAReference);
        return None;
    };
    let resource = ungroup(elem);
    if let Type::TraitObject(object) = resource {
        errors.on(object, &Message::InjectedTraitObject(object.to_token_stream().to_string()));
    } else if let Some(unnamed) = types::unnamed(resource) {
        errors.on(unnamed, &Message::InjectedUnnamed);
    } else if let Some(lifetime) = lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
        errors.on(lifetime, &Message::StaticReference);
    } else if let Some(borrow) = types::borrow(resource) {
        errors.on(borrow, &Message::InjectedBorrow);
    }
    Some(Injected { attrs, pat: (*param.pat).clone(), ty: (*param.ty).clone(), resource: resource.clone() })
}

/// An argument has a name, which is its field's, and a type that can be stored.
fn argument(errors: &Errors, param: &PatType, attrs: Vec<Attribute>) -> Option<Argument> {
    let storage = storage(errors, &param.ty);
    let Pat::Ident(PatIdent { by_ref: None, mutability, ident, subpat: None, .. }) = &*param.pat else {
        errors.on(&param.pat, &Message::ArgumentPattern);
        return None;
    };
    Some(Argument {
        attrs,
        mutability: *mutability,
        ident: ident.clone(),
        ty: (*param.ty).clone(),
        storage: storage?,
    })
}

/// How an argument of this type is stored, if it can be.
fn storage(errors: &Errors, ty: &Type) -> Option<Storage> {
    let Type::Reference(reference) = ungroup(ty) else {
        return storable(errors, ty).then_some(Storage::Owned);
    };
    if let Some(mutability) = reference.mutability {
        let message = if is_transaction(&reference.elem) {
            Message::TransactionNotSaid
        } else {
            Message::ArgumentMutable
        };
        errors.on(mutability, &message);
        return None;
    }
    if let Some(lifetime) = reference.lifetime.as_ref().filter(|lifetime| lifetime.ident == "static") {
        errors.on(lifetime, &Message::StaticReference);
        return None;
    }
    let target = ungroup(&reference.elem);
    match target {
        Type::TraitObject(object) => {
            errors.on(object, &Message::ArgumentTraitObject);
            None
        }
        Type::Slice(slice) => storable(errors, &slice.elem).then(|| Storage::Slice((*slice.elem).clone())),
        Type::Path(path) if path.path.is_ident("str") => Some(Storage::Str),
        Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Path") => {
            Some(Storage::Path(target.clone()))
        }
        _ => storable(errors, target).then(|| Storage::Ref(target.clone())),
    }
}

/// The type of an argument can be written down, borrows nothing and is data.
fn storable(errors: &Errors, ty: &Type) -> bool {
    if let Some(unnamed) = types::unnamed(ty) {
        errors.on(unnamed, &Message::ArgumentUnnamed);
    } else if let Some(borrow) = types::borrow(ty) {
        errors.on(borrow, &Message::ArgumentBorrow);
    } else if is_context(ty) {
        errors.on(ty, &Message::ContextNotInjected);
    } else {
        return true;
    }
    false
}

/// Whether the type is `StepContext`, by whatever path.
fn is_context(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "StepContext"),
        _ => false,
    }
}

/// Whether the type is a store's transaction, by whatever path.
fn is_transaction(ty: &Type) -> bool {
    match ungroup(ty) {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| last.ident == "SqliteTransaction" || last.ident == "PostgresTransaction"),
        _ => false,
    }
}

/// The type inside the invisible groups that macros by example put around it.
fn ungroup(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungroup(&group.elem),
        Type::Paren(paren) => ungroup(&paren.elem),
        _ => ty,
    }
}
