//! From tokens to our tree: the attribute's options and the function.

pub(crate) mod macros;

use proc_macro2::TokenStream;
use syn::{
    Attribute, FnArg, Ident, ItemFn, LitInt, LitStr, Token,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::{diag::Errors, messages::Message};

/// What stands in the parentheses of `#[workflow(…)]`.
#[derive(Default)]
pub(crate) struct Options {
    /// `name = "…"`.
    pub(crate) name: Option<LitStr>,
    /// `version = N`.
    pub(crate) version: Option<LitInt>,
    /// `enum = Name`.
    pub(crate) enum_name: Option<Ident>,
    /// `typed`.
    pub(crate) typed: bool,
}

/// A workflow as it was written.
pub(crate) struct Workflow {
    pub(crate) options: Options,
    /// `#[derive(…)]` under the attribute, which goes to the enum.
    pub(crate) derives: Vec<Attribute>,
    /// Everything else above the function.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) function: ItemFn,
}

/// Parses the attribute's arguments and the function; gives the item back if it is not a function or a method.
pub(crate) fn workflow(
    errors: &Errors,
    args: TokenStream,
    item: TokenStream,
) -> Result<Workflow, TokenStream> {
    let options = options(errors, args);
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else {
        errors.on(&item, &Message::WorkflowNotAFunction);
        return Err(item);
    };
    let attrs = std::mem::take(&mut function.attrs);
    let (derives, attrs) = attrs.into_iter().partition(|attr| attr.path().is_ident("derive"));
    if let Some(FnArg::Receiver(receiver)) = function.sig.inputs.first() {
        errors.on(receiver, &Message::WorkflowMethod);
        return Err(item);
    }
    Ok(Workflow { options, derives, attrs, function })
}

/// One `key` or `key = value`.
enum OptionItem {
    Name(LitStr),
    Version(LitInt),
    Enum(Ident),
    Typed,
    Unknown(Ident),
}

impl Parse for OptionItem {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.parse::<Option<Token![enum]>>()?.is_some() {
            input.parse::<Token![=]>()?;
            return input.parse().map(Self::Enum);
        }
        let key: Ident = input.parse()?;
        if key == "typed" {
            return Ok(Self::Typed);
        }
        let value = |input: ParseStream<'_>| input.parse::<Token![=]>().map(drop);
        match key.to_string().as_str() {
            "name" => {
                value(input)?;
                input.parse().map(Self::Name)
            }
            "version" => {
                value(input)?;
                input.parse().map(Self::Version)
            }
            _ => {
                input.step(|cursor| Ok(((), skip_value(*cursor))))?;
                Ok(Self::Unknown(key))
            }
        }
    }
}

/// What follows an unknown key, up to the next comma.
fn skip_value(mut cursor: syn::buffer::Cursor<'_>) -> syn::buffer::Cursor<'_> {
    while let Some((token, next)) = cursor.token_tree() {
        if matches!(&token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == ',') {
            break;
        }
        cursor = next;
    }
    cursor
}

fn options(errors: &Errors, args: TokenStream) -> Options {
    let mut options = Options::default();
    let items = match Punctuated::<OptionItem, Token![,]>::parse_terminated.parse2(args) {
        Ok(items) => items,
        Err(error) => {
            errors.push(error);
            return options;
        }
    };
    for item in items {
        match item {
            OptionItem::Name(name) => options.name = Some(name),
            OptionItem::Version(version) => options.version = Some(version),
            OptionItem::Enum(name) => options.enum_name = Some(name),
            OptionItem::Typed => options.typed = true,
            OptionItem::Unknown(key) => errors.on(&key, &Message::UnknownWorkflowOption(key.to_string())),
        }
    }
    options
}
