//! What stands in the parentheses of `#[step(…)]`.

use proc_macro2::TokenStream;
use syn::{Expr, ExprLit, Lit, LitStr, Meta, Token, parse::Parser, punctuated::Punctuated};

use crate::{diag::Errors, messages::Message};

/// The options of a step.
#[derive(Default)]
pub(crate) struct Options {
    /// `name = "…"`.
    pub(crate) name: Option<LitStr>,
}

// Input:
//   name = "charge-card"
// Output:
//   Options { name: Some("charge-card") }
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
    if !meta.path().is_ident("name") {
        let key = meta.path().segments.iter().map(|segment| segment.ident.to_string()).collect::<Vec<_>>();
        return errors.on(meta.path(), &Message::UnknownStepOption(key.join("::")));
    }
    match name_value(meta) {
        None => errors.on(meta, &Message::NameSyntax),
        Some(name) if name.value().is_empty() => errors.on(name, &Message::NameSyntax),
        Some(name) if options.name.is_some() => errors.on(name, &Message::OptionTwice("name")),
        Some(name) => options.name = Some(name.clone()),
    }
}

/// The string of `name = "…"`.
pub(crate) fn name_value(meta: &Meta) -> Option<&LitStr> {
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) => Some(name),
            _ => None,
        },
        _ => None,
    }
}
