//! What stands in the parentheses of `#[step(…)]`.

use std::time::Duration;

use proc_macro2::TokenStream;
use syn::{Expr, ExprLit, Lit, LitStr, Meta, Path, Token, parse::Parser, punctuated::Punctuated};

use super::{
    retry::{self, Retry},
    value,
};
use crate::{diag::Errors, messages::Message};

/// The options of a step.
#[derive(Default)]
pub(crate) struct Options {
    /// `name = "…"`.
    pub(crate) name: Option<LitStr>,
    /// `retry(…)`.
    pub(crate) retry: Option<Retry>,
    /// `timeout = "…"`.
    pub(crate) timeout: Option<Duration>,
    /// `concurrency = n`.
    pub(crate) concurrency: Option<u32>,
    /// `transaction`: where it stands.
    pub(crate) transaction: Option<Path>,
}

// Input:
//   name = "charge-card", timeout = "10s"
// Output:
//   Options { name: Some("charge-card"), timeout: Some(10s), retry: None, concurrency: None, transaction: None }
pub(crate) fn parse(errors: &Errors, tokens: TokenStream) -> Options {
    let mut options = Options::default();
    match Punctuated::<Meta, Token![,]>::parse_terminated.parse2(tokens) {
        Ok(metas) => metas.iter().for_each(|meta| read(errors, meta, &mut options)),
        Err(error) => errors.push(error),
    }
    options
}

/// An option is known and stands once.
fn read(errors: &Errors, meta: &Meta, options: &mut Options) {
    let key = meta.path().segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
    match key.join("::").as_str() {
        "name" => match name_value(meta) {
            None => errors.on(meta, &Message::NameSyntax),
            Some(name) if name.value().is_empty() => errors.on(name, &Message::NameSyntax),
            Some(name) => value::once(errors, name, "name", &mut options.name, name.clone()),
        },
        "retry" => {
            let retry = retry::parse(errors, meta);
            value::once(errors, meta.path(), "retry", &mut options.retry, retry);
        }
        "timeout" => {
            if let Some(limit) = value::duration(errors, meta, pair(meta), &Message::TimeoutZero) {
                value::once(errors, meta, "timeout", &mut options.timeout, limit);
            }
        }
        "concurrency" => {
            if let Some(limit) = value::count(errors, meta, pair(meta), &Message::ConcurrencySyntax) {
                value::once(errors, meta, "concurrency", &mut options.concurrency, limit);
            }
        }
        "transaction" => match meta {
            Meta::Path(path) => {
                value::once(errors, path, "transaction", &mut options.transaction, path.clone());
            }
            Meta::List(_) | Meta::NameValue(_) => errors.on(meta, &Message::TransactionSyntax),
        },
        other => errors.on(meta.path(), &Message::UnknownStepOption(other.to_owned())),
    }
}

/// The string of `name = "…"`.
pub(crate) fn name_value(meta: &Meta) -> Option<&LitStr> {
    match pair(meta)? {
        Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) => Some(name),
        _ => None,
    }
}

/// What stands behind the `=`.
fn pair(meta: &Meta) -> Option<&Expr> {
    match meta {
        Meta::NameValue(pair) => Some(&pair.value),
        Meta::Path(_) | Meta::List(_) => None,
    }
}
