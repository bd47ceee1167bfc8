//! What the graph adds to Rust's syntax: macro calls that no user can write.
//!
//! `goto·!(3)` jumps to block 3, `suspend·!(2)` ends the transition at await 2, `outcome·!(2)` is what await 2 gave, and `start·!(1)` is the
//! first state of branch 1.

use proc_macro2::{Ident, Literal, Span, TokenStream, TokenTree};
use quote::quote;
use syn::{Attribute, Expr, Macro, parse_quote};

use super::{AwaitId, BlockId, BranchId};

const GOTO: &str = "goto·";
const SUSPEND: &str = "suspend·";
const OUTCOME: &str = "outcome·";
const START: &str = "start·";
const MENTIONS: &str = "mentions·";

/// A marker in lowered code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A jump to a block.
    Goto(BlockId),
    /// The end of a transition at an await.
    Suspend(AwaitId),
    /// The outcome of an await.
    Outcome(AwaitId),
    /// The first state of a branch that is a block.
    Start(BranchId),
}

impl Marker {
    /// The marker as an expression.
    pub(crate) fn expr(self) -> Expr {
        let (name, number) = match self {
            Self::Goto(BlockId(number)) => (GOTO, number),
            Self::Suspend(AwaitId(number)) => (SUSPEND, number),
            Self::Outcome(AwaitId(number)) => (OUTCOME, number),
            Self::Start(BranchId(number)) => (START, number),
        };
        let name = Ident::new(name, Span::call_site());
        let number = Literal::usize_unsuffixed(number);
        parse_quote!(#name!(#number))
    }

    /// The marker that a macro call is, if it is one.
    pub(crate) fn of(mac: &Macro) -> Option<Self> {
        Self::parse(&mac.path.get_ident()?.to_string(), &mac.tokens)
    }

    /// All markers in the tokens of a macro call.
    pub(crate) fn in_tokens(tokens: &TokenStream) -> Vec<Self> {
        let mut found = Vec::new();
        let mut name = None;
        for token in tokens.clone() {
            match token {
                TokenTree::Ident(ident) => name = Some(ident.to_string()),
                TokenTree::Group(group) => {
                    let marker = name.take().and_then(|name| Self::parse(&name, &group.stream()));
                    match marker {
                        Some(marker) => found.push(marker),
                        None => found.extend(Self::in_tokens(&group.stream())),
                    }
                }
                TokenTree::Punct(_) => {}
                TokenTree::Literal(_) => name = None,
            }
        }
        found
    }

    fn parse(name: &str, number: &TokenStream) -> Option<Self> {
        let number = || number.to_string().parse().ok();
        match name {
            GOTO => Some(Self::Goto(BlockId(number()?))),
            SUSPEND => Some(Self::Suspend(AwaitId(number()?))),
            OUTCOME => Some(Self::Outcome(AwaitId(number()?))),
            START => Some(Self::Start(BranchId(number()?))),
            _ => None,
        }
    }
}

/// The attribute on a foreign macro's call that says which locals its strings mention.
pub(crate) fn mentions(locals: &[Ident]) -> Attribute {
    let name = Ident::new(MENTIONS, Span::call_site());
    parse_quote!(#[#name(#(#locals),*)])
}

/// Whether an attribute is one of ours.
pub(crate) fn is_mentions(attribute: &Attribute) -> bool {
    attribute.path().is_ident(MENTIONS)
}

/// `name` as the path of a private helper of the runtime.
pub(crate) fn private(name: &str, span: Span) -> TokenStream {
    let name = Ident::new(name, span);
    quote!(::refluxo::__private::#name)
}
