//! `#[workflow]` and `#[step]` that do nothing: under them a program of the differential suite stays the ordinary
//! async function that it looks like.

use proc_macro::{Delimiter, Group, TokenStream, TokenTree};

/// Leaves a workflow as it was written; only the names of states are taken off.
#[proc_macro_attribute]
pub fn workflow(_arguments: TokenStream, function: TokenStream) -> TokenStream {
    without_state_names(function)
}

/// Leaves a step as it was written.
#[proc_macro_attribute]
pub fn step(_arguments: TokenStream, function: TokenStream) -> TokenStream {
    function
}

/// Drops every `#[state(Name)]`, which only the real macro understands.
fn without_state_names(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut kept = Vec::new();
    while let Some(token) = tokens.next() {
        let is_pound = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
        if is_pound && tokens.next_if(names_a_state).is_some() {
            continue;
        }
        kept.push(inside(token));
    }
    kept.into_iter().collect()
}

/// Whether a token is the `[state(Name)]` of the attribute.
fn names_a_state(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name.to_string() == "state")
}

/// The same token, cleaned within if it is a group.
fn inside(token: TokenTree) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let mut cleaned = Group::new(group.delimiter(), without_state_names(group.stream()));
    cleaned.set_span(group.span());
    TokenTree::Group(cleaned)
}
