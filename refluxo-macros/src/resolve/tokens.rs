//! Locals in the tokens of a foreign macro.

use proc_macro2::{Group, Ident, Literal, Spacing, TokenStream, TokenTree};
use syn::{Lit, LitStr};

use super::Resolver;
use crate::parse::macros::captured;

/// Renames every identifier that could be a local: not one after `.` or `::`, nor one before `!` or `::`.
pub(super) fn rename(resolver: &Resolver, tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut renamed = Vec::new();
    let mut before = Before::Nothing;
    while let Some(token) = tokens.next() {
        let next = tokens.peek();
        let is_path = next.is_some_and(|next| is_punct(next, '!') || is_joint_colon(next));
        let now = Before::of(&token, &before);
        renamed.push(match token {
            TokenTree::Ident(ident) if matches!(before, Before::Nothing | Before::Colon) && !is_path => {
                TokenTree::Ident(resolver.rename(&ident).unwrap_or(ident))
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), rename(resolver, group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
        before = now;
    }
    renamed.into_iter().collect()
}

/// The locals that string literals among `tokens` may capture by name, as in `info!("{x}")`.
pub(super) fn mentioned(resolver: &Resolver, tokens: &TokenStream) -> Vec<Ident> {
    let mut found = Vec::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Group(group) => found.extend(mentioned(resolver, &group.stream())),
            TokenTree::Literal(literal) => {
                let Some(text) = string(&literal) else { continue };
                let names = captured(&text.value());
                found.extend(names.iter().filter_map(|name| resolver.rename(&Ident::new(name, text.span()))));
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
    found
}

/// What stands before a token and makes it something else than a local.
#[derive(PartialEq)]
enum Before {
    Nothing,
    /// `.` before a field or a method.
    Dot,
    /// The first half of `::`.
    Colon,
    /// `::` before the rest of a path.
    Path,
}

impl Before {
    fn of(token: &TokenTree, before: &Self) -> Self {
        let TokenTree::Punct(punct) = token else { return Self::Nothing };
        match (punct.as_char(), before) {
            // `..x` is a range or a rest: `x` is a local there.
            ('.', before) if *before != Self::Dot => Self::Dot,
            (':', Self::Colon) => Self::Path,
            (':', _) if punct.spacing() == Spacing::Joint => Self::Colon,
            _ => Self::Nothing,
        }
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted && punct.spacing() == Spacing::Alone)
}

fn is_joint_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':' && punct.spacing() == Spacing::Joint)
}

fn string(literal: &Literal) -> Option<LitStr> {
    match Lit::new(literal.clone()) {
        Lit::Str(text) => Some(text),
        _ => None,
    }
}
