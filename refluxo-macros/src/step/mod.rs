//! `#[step]`: an async function becomes a call struct and a constructor of the same name.
//!
//! The passes: [`options`] reads the attribute, [`parse`] the function, [`check`] refuses what can't be a step and gives our
//! tree, the [`StepFn`]; [`expand`] makes the items of it and cannot fail. Where a check fails, [`stub`] makes items that let the
//! rest of the user's program compile, so that one mistake gives one message.

/// `quote!` whose local names the user's code can neither see nor shadow.
macro_rules! quote_hidden {
    ($($tokens:tt)*) => { ::quote::quote_spanned!(::proc_macro2::Span::mixed_site()=> $($tokens)*) };
}

mod check;
mod expand;
pub(crate) mod options;
mod params;
mod parse;
mod retry;
mod serial;
mod spec;
mod stub;
mod traits;
mod types;
mod value;

use proc_macro2::{Group, Ident, TokenStream};
use syn::{Attribute, Generics, ReturnType, Token, Visibility, token};

use crate::diag::Errors;
use options::Options;
use params::Param;

/// A function that can be a step.
pub(crate) struct StepFn {
    /// The attributes by the items that they go to.
    attrs: StepAttrs,
    vis: Visibility,
    async_token: Option<Token![async]>,
    fn_token: Token![fn],
    paren_token: token::Paren,
    ident: Ident,
    /// The step's name in snapshots.
    name: String,
    /// How it is run.
    options: Options,
    generics: Generics,
    params: Vec<Param>,
    output: ReturnType,
    /// The body, braces and all: the user's own tokens.
    body: Group,
}

/// The attributes of a step by the items that they go to.
struct StepAttrs {
    /// Documentation: for the struct and its constructor.
    docs: Vec<Attribute>,
    /// `#[deprecated]`: for the constructor, which is what the user calls.
    constructor: Vec<Attribute>,
    /// `#[cfg]`: for every item.
    cfg: Vec<Attribute>,
    /// The rest: for the function that holds the body.
    body: Vec<Attribute>,
}

/// Expands `#[step(options)] item`.
pub(crate) fn step(options: TokenStream, item: TokenStream) -> TokenStream {
    let errors = Errors::new();
    let options = options::parse(&errors, options);
    let Some(function) = parse::function(&errors, item.clone()) else {
        return [errors.finish(), item].into_iter().collect();
    };
    let in_transaction = options.transaction.is_some();
    let step = check::function(&errors, &function, options);
    let items = match step {
        Some(step) if errors.is_empty() => expand::items(&step),
        _ => stub::items(&function, in_transaction),
    };
    [errors.finish(), items].into_iter().collect()
}

#[cfg(test)]
mod tests;
