//! What stands in the forms.

use syn::{
    Expr, Ident, Macro, Pat, Token,
    parse::{Parse, ParseStream, Parser},
    punctuated::Punctuated,
};

use crate::messages::Message;

/// `A, B`.
pub(super) fn branches(mac: &Macro) -> syn::Result<Vec<Expr>> {
    let branches = mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated)?;
    Ok(branches.into_iter().collect())
}

/// `C`.
pub(super) fn compensation(mac: &Macro) -> syn::Result<Expr> {
    let parse = |input: ParseStream<'_>| {
        let call = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        Ok(call)
    };
    parse.parse2(mac.tokens.clone())
}

/// `for p in xs => A, limit = n`.
pub(super) struct JoinAll {
    pub(super) pattern: Pat,
    pub(super) items: Expr,
    pub(super) item: Expr,
    pub(super) limit: Option<Expr>,
}

impl Parse for JoinAll {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        input.parse::<Token![for]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        input.parse::<Token![in]>()?;
        let items = input.parse()?;
        input.parse::<Token![=>]>()?;
        let item = input.parse()?;
        let mut limit = None;
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let key: Ident = input.parse()?;
            if key != "limit" {
                return Err(syn::Error::new(key.span(), Message::JoinAllSyntax));
            }
            input.parse::<Token![=]>()?;
            limit = Some(input.parse()?);
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { pattern, items, item, limit })
    }
}

/// `p = A => h, q = B => g`.
pub(super) struct Select {
    pub(super) arms: Vec<Arm>,
}

/// `p = A => h`.
pub(super) struct Arm {
    pub(super) pattern: Pat,
    pub(super) branch: Expr,
    pub(super) handler: Expr,
}

impl Parse for Select {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Ident) && input.peek2(Token![;]) {
            let order: Ident = input.parse()?;
            if order != "biased" {
                return Err(syn::Error::new(order.span(), Message::SelectSyntax));
            }
            input.parse::<Token![;]>()?;
        }
        let mut arms = Vec::new();
        while !input.is_empty() {
            arms.push(input.parse()?);
        }
        Ok(Self { arms })
    }
}

impl Parse for Arm {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Token![else]) {
            return Err(input.error(Message::SelectElse));
        }
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        input.parse::<Token![=]>()?;
        let branch = input.parse()?;
        if input.peek(Token![,]) && input.peek2(Token![if]) {
            input.parse::<Token![,]>()?;
            return Err(input.error(Message::SelectIf));
        }
        input.parse::<Token![=>]>()?;
        let handler = Expr::parse_with_earlier_boundary_rule(input)?;
        if input.parse::<Option<Token![,]>>()?.is_none() && !input.is_empty() && !ends_an_arm(&handler) {
            return Err(input.error(Message::SelectSyntax));
        }
        Ok(Self { pattern, branch, handler })
    }
}

/// Whether no comma is needed behind an expression.
fn ends_an_arm(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Block(_)
            | Expr::ForLoop(_)
            | Expr::If(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::Unsafe(_)
            | Expr::While(_)
    )
}
