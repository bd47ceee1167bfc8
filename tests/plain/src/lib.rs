//! `#[workflow]` and `#[step]` that do nothing: under them a program of the differential suite stays the ordinary
//! async function that it looks like.

use proc_macro::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// Leaves a workflow as it was written. Only the names of states are taken off, and a limit on a form, which tokio's forms don't
/// have, is put on an async block around it.
#[proc_macro_attribute]
pub fn workflow(_arguments: TokenStream, function: TokenStream) -> TokenStream {
    limits_around(without_state_names(function))
}

/// The same for programs that do several things at once: the body is put into what undoes a run that fails or is given up.
// Input:
//     async fn ship(mut order: Order) -> Result<(), String> { … }
// Output:
//     async fn ship(mut order: Order) -> Result<(), String> {
//         let mut body = async move || -> Result<(), String> { … };
//         ::refluxo_tests::concurrent::runs::as_a_run(body()).await
//     }
#[proc_macro_attribute]
pub fn run(_arguments: TokenStream, function: TokenStream) -> TokenStream {
    let mut tokens: Vec<_> = limits_around(without_state_names(function)).into_iter().collect();
    let Some(body) = tokens.pop() else { return TokenStream::new() };
    let is_arrow = |pair: &[TokenTree]| is(&pair[0], '-') && is(&pair[1], '>');
    let output = match tokens.windows(2).position(is_arrow) {
        Some(arrow) => tokens[arrow + 2..].iter().cloned().collect(),
        None => parsed("()"),
    };
    let mut inner = parsed("#[allow(unused_mut)] let mut body = async move || ->");
    inner.extend([output, body.into()]);
    inner.extend(parsed("; ::refluxo_tests::concurrent::runs::as_a_run(body()).await"));
    tokens.push(Group::new(Delimiter::Brace, inner).into());
    tokens.into_iter().collect()
}

/// Code as tokens.
fn parsed(code: &str) -> TokenStream {
    code.parse().unwrap_or_default()
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
        kept.push(inside(token, without_state_names));
    }
    kept.into_iter().collect()
}

/// Turns each `join!(…).timeout(…)` into `(async { join!(…) }).timeout(…)`. Of a `select!` only the wait is limited.
fn limits_around(tokens: TokenStream) -> TokenStream {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut kept: Vec<TokenTree> = Vec::new();
    let mut rest = &tokens[..];
    while let [first, after @ ..] = rest {
        if let [name @ TokenTree::Ident(_), bang, TokenTree::Group(body), dot, TokenTree::Ident(method), ..] =
            rest
            && is(bang, '!')
            && is(dot, '.')
            && method.to_string() == "timeout"
        {
            let body = inside(TokenTree::Group(body.clone()), limits_around);
            if let (true, Some(TokenTree::Group(limit))) = (name.to_string() == "select", rest.get(5)) {
                kept.extend(select_in_time(limit, body));
                rest = &rest[6..];
                continue;
            }
            let form = TokenStream::from_iter([name.clone(), bang.clone(), body]);
            let block = TokenTree::Group(Group::new(Delimiter::Brace, form));
            let block = TokenStream::from_iter([TokenTree::Ident(Ident::new("async", name.span())), block]);
            kept.push(TokenTree::Group(Group::new(Delimiter::Parenthesis, block)));
            rest = &rest[3..];
        } else {
            kept.push(inside(first.clone(), limits_around));
            rest = after;
        }
    }
    kept.into_iter().collect()
}

/// `ready(select_in_time! { limit; arms })`, which the `.await` behind it awaits: the handlers stay the function's own code.
fn select_in_time(limit: &Group, arms: TokenTree) -> TokenStream {
    let TokenTree::Group(arms) = arms else { return TokenStream::new() };
    let mut arguments = parsed("select_in_time!");
    let limited = [TokenTree::Group(limit.clone()), TokenTree::Group(arms)];
    arguments.extend([TokenTree::Group(Group::new(Delimiter::Brace, limited.into_iter().collect()))]);
    let mut ready = parsed("::core::future::ready");
    ready.extend([TokenTree::Group(Group::new(Delimiter::Parenthesis, arguments))]);
    ready
}

/// Whether a token is this sign.
fn is(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

/// Whether a token is the `[state(Name)]` of the attribute.
fn names_a_state(token: &TokenTree) -> bool {
    let TokenTree::Group(group) = token else { return false };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(name)) if name.to_string() == "state")
}

/// The same token, changed within if it is a group.
fn inside(token: TokenTree, change: fn(TokenStream) -> TokenStream) -> TokenTree {
    let TokenTree::Group(group) = token else { return token };
    let mut changed = Group::new(group.delimiter(), change(group.stream()));
    changed.set_span(group.span());
    TokenTree::Group(changed)
}
