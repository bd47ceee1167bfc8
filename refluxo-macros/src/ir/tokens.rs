//! Tokens that are no syntax to us.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};

/// The tokens with each identifier changed, in groups too.
pub(crate) fn with_idents(tokens: TokenStream, change: &mut impl FnMut(&mut Ident)) -> TokenStream {
    let mut changed = Vec::new();
    for token in tokens {
        changed.push(match token {
            TokenTree::Ident(mut ident) => {
                change(&mut ident);
                TokenTree::Ident(ident)
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), with_idents(group.stream(), change));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
    }
    changed.into_iter().collect()
}
