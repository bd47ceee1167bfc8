//! What stands in the parentheses of `retry(…)`.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Expr, ExprLit, Ident, Lit, Meta, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use super::value;
use crate::{diag::Errors, messages::Message};

/// When a step is run again; what is not given is as in the runtime's `Retry::DEFAULT`.
#[derive(Default)]
pub(crate) struct Retry {
    pub(super) attempts: Option<u32>,
    pub(super) backoff: Option<Backoff>,
    pub(super) initial: Option<Duration>,
    pub(super) max: Option<Duration>,
    pub(super) jitter: Option<bool>,
    pub(super) total: Option<Duration>,
    /// `if = …`: whether an error is worth another attempt.
    pub(super) predicate: Option<Expr>,
}

/// How the pauses grow.
#[derive(Clone, Copy)]
pub(super) enum Backoff {
    Constant,
    Linear,
    Exponential,
}

impl ToTokens for Backoff {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Constant => quote!(Constant),
            Self::Linear => quote!(Linear),
            Self::Exponential => quote!(Exponential),
        });
    }
}

/// The pauses where `retry(…)` says nothing of them, as in the runtime's `Retry::DEFAULT`.
const INITIAL: Duration = Duration::from_secs(1);
const MAX: Duration = Duration::from_mins(1);

/// `key = value`, where the key may be `if`.
struct Item {
    key: Ident,
    value: Expr,
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Ok(Self { key, value: input.parse()? })
    }
}

// Input:
//   retry(attempts = 5, backoff = "linear", if = ShopError::is_transient)
// Output:
//   Retry { attempts: Some(5), backoff: Some(Linear), predicate: Some(ShopError::is_transient), … }
pub(super) fn parse(errors: &Errors, meta: &Meta) -> Retry {
    let mut retry = Retry::default();
    let Meta::List(list) = meta else {
        errors.on(meta, &Message::RetrySyntax);
        return retry;
    };
    match Punctuated::<Item, Token![,]>::parse_terminated.parse2(list.tokens.clone()) {
        Ok(items) => items.iter().for_each(|item| read(errors, item, &mut retry)),
        Err(error) => errors.at(error.span(), &Message::RetrySyntax),
    }
    let (initial, max) = (retry.initial.unwrap_or(INITIAL), retry.max.unwrap_or(MAX));
    if initial > max {
        errors.on(&list.path, &Message::InitialAboveMax);
    }
    retry
}

/// An option is known and stands once.
fn read(errors: &Errors, Item { key, value }: &Item, retry: &mut Retry) {
    let given = Some(value);
    match key.to_string().as_str() {
        "attempts" => {
            if let Some(attempts) = value::count(errors, key, given, &Message::AttemptsSyntax) {
                value::once(errors, key, "attempts", &mut retry.attempts, attempts);
            }
        }
        "backoff" => match backoff(value) {
            Some(backoff) => value::once(errors, key, "backoff", &mut retry.backoff, backoff),
            None => errors.on(value, &Message::BackoffUnknown),
        },
        "initial" => pause(errors, key, "initial", value, &mut retry.initial),
        "max" => pause(errors, key, "max", value, &mut retry.max),
        "total" => pause(errors, key, "total", value, &mut retry.total),
        "jitter" => match value {
            Expr::Lit(ExprLit { lit: Lit::Bool(jitter), .. }) => {
                value::once(errors, key, "jitter", &mut retry.jitter, jitter.value);
            }
            _ => errors.on(value, &Message::JitterSyntax),
        },
        "if" => match value {
            Expr::Path(_) | Expr::Closure(_) => {
                value::once(errors, key, "if", &mut retry.predicate, value.clone());
            }
            _ => errors.on(value, &Message::PredicateNotAPath),
        },
        other => errors.on(key, &Message::UnknownRetryOption(other.to_owned())),
    }
}

fn pause(errors: &Errors, key: &Ident, name: &'static str, value: &Expr, slot: &mut Option<Duration>) {
    if let Some(pause) = value::duration(errors, key, Some(value), &Message::PauseZero) {
        value::once(errors, key, name, slot, pause);
    }
}

fn backoff(value: &Expr) -> Option<Backoff> {
    let Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) = value else { return None };
    match name.value().as_str() {
        "constant" => Some(Backoff::Constant),
        "linear" => Some(Backoff::Linear),
        "exponential" => Some(Backoff::Exponential),
        _ => None,
    }
}
