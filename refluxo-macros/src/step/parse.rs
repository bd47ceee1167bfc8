//! The function as it stands in the source. Its body is not looked into.

use proc_macro2::{Group, TokenStream};
use syn::{
    Attribute, Signature, Visibility,
    parse::{Parse, ParseStream, Parser},
};

use crate::{diag::Errors, messages::Message};

/// A function with its body as tokens.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            attrs: input.call(Attribute::parse_outer)?,
            vis: input.parse()?,
            sig: input.parse()?,
            body: input.parse()?,
        })
    }
}

/// Reads the item under `#[step]`; reports it if it is not a function.
pub(crate) fn function(errors: &Errors, item: TokenStream) -> Option<Function> {
    let function = Function::parse.parse2(item.clone());
    if function.is_err() {
        errors.on(item, &Message::StepNotAFunction);
    }
    function.ok()
}
