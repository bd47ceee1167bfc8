//! The macros of the standard library whose arguments may hold awaits.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Expr, Ident, LitStr, Macro, Pat, Token,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

/// How a macro of the standard library treats its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `format!` and its like: `before` arguments, then the format string and what it shows.
    Format { before: usize },
    /// `assert!` and its like: `before` operands; what follows is a message that is built on failure only.
    Assert { before: usize },
    /// `vec![a, b]`.
    List,
    /// `vec![a; n]`.
    Repeat,
    /// `dbg!(a, b)`.
    Debug,
    /// `matches!(a, pattern if guard)`.
    Matches,
}

/// The arguments of such a macro.
#[derive(Clone, Debug)]
pub(crate) struct Arguments {
    pub(crate) kind: Kind,
    pub(crate) args: Vec<Argument>,
    /// What follows the operand of `matches!`.
    pub(crate) matched: Option<(Pat, Option<Expr>)>,
}

/// One argument.
#[derive(Clone, Debug)]
pub(crate) struct Argument {
    /// `name =` before it.
    pub(crate) name: Option<Ident>,
    pub(crate) expr: Expr,
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let named = input.peek(Ident) && input.peek2(Token![=]) && !input.peek2(Token![==]);
        let name = if named {
            let name = input.parse()?;
            input.parse::<Token![=]>()?;
            Some(name)
        } else {
            None
        };
        Ok(Self { name, expr: input.parse()? })
    }
}

impl ToTokens for Argument {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(name) = &self.name {
            tokens.extend(quote!(#name =));
        }
        self.expr.to_tokens(tokens);
    }
}

impl Arguments {
    /// The arguments of `mac`, if it is a macro of the standard library and is written as that expects.
    pub(crate) fn of(mac: &Macro) -> Option<Self> {
        let kind = kind(mac)?;
        let tokens = mac.tokens.clone();
        let parse = |input: ParseStream<'_>| match kind {
            Kind::List => list_or_repeat(input),
            Kind::Matches => matched(input),
            _ => comma_separated(kind, input),
        };
        parse.parse2(tokens).ok()
    }

    /// The macro call's tokens.
    pub(crate) fn tokens(&self) -> TokenStream {
        let args = &self.args;
        match (self.kind, &self.matched) {
            (Kind::Repeat, _) => quote!(#(#args);*),
            (Kind::Matches, Some((pattern, None))) => quote!(#(#args),*, #pattern),
            (Kind::Matches, Some((pattern, Some(guard)))) => quote!(#(#args),*, #pattern if #guard),
            _ => quote!(#(#args),*),
        }
    }

    /// Where the format string stands, if there is one.
    pub(crate) fn format_string(&self) -> Option<LitStr> {
        let (Kind::Format { before } | Kind::Assert { before }) = self.kind else { return None };
        match &self.args.get(before)?.expr {
            Expr::Lit(lit) => match &lit.lit {
                syn::Lit::Str(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// The kind of a macro, by its name alone or below `std` or `core`.
fn kind(mac: &Macro) -> Option<Kind> {
    let mut segments = mac.path.segments.iter();
    let last = segments.next_back()?.ident.to_string();
    if !segments.all(|segment| segment.ident == "std" || segment.ident == "core" || segment.ident == "alloc")
    {
        return None;
    }
    Some(match last.as_str() {
        "format" | "print" | "println" | "eprint" | "eprintln" | "panic" | "todo" | "unimplemented"
        | "unreachable" | "format_args" => Kind::Format { before: 0 },
        "write" | "writeln" => Kind::Format { before: 1 },
        "assert" | "debug_assert" => Kind::Assert { before: 1 },
        "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => Kind::Assert { before: 2 },
        "vec" => Kind::List,
        "dbg" => Kind::Debug,
        "matches" => Kind::Matches,
        _ => return None,
    })
}

fn comma_separated(kind: Kind, input: ParseStream<'_>) -> syn::Result<Arguments> {
    let args = Punctuated::<Argument, Token![,]>::parse_terminated(input)?;
    Ok(Arguments { kind, args: args.into_iter().collect(), matched: None })
}

fn list_or_repeat(input: ParseStream<'_>) -> syn::Result<Arguments> {
    if input.is_empty() {
        return Ok(Arguments { kind: Kind::List, args: Vec::new(), matched: None });
    }
    let first: Argument = input.parse()?;
    if input.parse::<Option<Token![;]>>()?.is_some() {
        let args = vec![first, input.parse()?];
        return Ok(Arguments { kind: Kind::Repeat, args, matched: None });
    }
    input.parse::<Option<Token![,]>>()?;
    let mut list = comma_separated(Kind::List, input)?;
    list.args.insert(0, first);
    Ok(list)
}

fn matched(input: ParseStream<'_>) -> syn::Result<Arguments> {
    let operand = input.parse()?;
    input.parse::<Token![,]>()?;
    let pattern = Pat::parse_multi_with_leading_vert(input)?;
    let guard = match input.parse::<Option<Token![if]>>()? {
        Some(_) => Some(input.parse()?),
        None => None,
    };
    input.parse::<Option<Token![,]>>()?;
    Ok(Arguments { kind: Kind::Matches, args: vec![operand], matched: Some((pattern, guard)) })
}

/// The names that a format string takes from the scope: `{name}`, `{:width$}`, `{:.precision$}`.
pub(crate) fn captured(format: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = format;
    while let Some(open) = rest.find('{') {
        rest = &rest[open + 1..];
        if let Some(escaped) = rest.strip_prefix('{') {
            rest = escaped;
            continue;
        }
        let Some(close) = rest.find('}') else { break };
        let (argument, spec) = rest[..close].split_once(':').unwrap_or((&rest[..close], ""));
        names.extend(name(argument.trim()));
        let counts = spec.split('$');
        let counted = spec.matches('$').count();
        names.extend(counts.take(counted).filter_map(|count| {
            name(count.rsplit(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or(""))
        }));
        rest = &rest[close + 1..];
    }
    names
}

/// `text`, if it is a name and not a number.
fn name(text: &str) -> Option<String> {
    text.chars().next().filter(|first| first.is_alphabetic() || *first == '_').map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::captured;

    #[test]
    fn captures_names_widths_and_precisions_of_a_format_string() {
        assert_eq!(captured("{a} {{b}} {0} {} {c:?} {:>d$} {e:.f$}"), ["a", "c", "d", "e", "f"]);
    }
}
