//! The values of awaits, from their outcomes.

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Ident;

use super::names::{self, own};
use crate::ir::{Await, BranchKind, Kind, Rule, marker::private};

/// The value of an await, from its outcome.
pub(super) fn outcome(awaited: &Await) -> TokenStream {
    let (ty, outcome, span) = (&awaited.ty, own("outcome"), awaited.span);
    let value = match &awaited.kind {
        Kind::Call => {
            return quote_spanned!(span=> ::refluxo::__private::outcome::<(#ty)>(&mut #outcome));
        }
        Kind::Group { rule, branches } => group(*rule, branches, span),
        Kind::All { item } => outputs(item, span),
    };
    let outputs = own("outputs");
    if awaited.is_timed() {
        quote_spanned!(span=> match ::refluxo::__private::outputs_in_time(&mut #outcome) {
            ::core::result::Result::Ok(mut #outputs) => ::core::result::Result::Ok(#value),
            ::core::result::Result::Err(elapsed) => ::core::result::Result::Err(elapsed),
        })
    } else {
        quote_spanned!(span=> { let mut #outputs = ::refluxo::__private::outputs(&mut #outcome); #value })
    }
}

/// What a group gives, from what its branches gave.
fn group(rule: Rule, branches: &[BranchKind], span: Span) -> TokenStream {
    let winner = own("outputs");
    let winner = quote!(#winner.winner());
    let numbered = (0_u32..).zip(branches).map(|(number, branch)| (number, output(number, branch, span)));
    let some = |number: u32| {
        let number = Literal::u32_unsuffixed(number);
        quote_spanned!(span=> ::core::option::Option::Some(#number))
    };
    let ok = quote_spanned!(span=> ::core::result::Result::Ok);
    let err = quote_spanned!(span=> ::core::result::Result::Err);
    match rule {
        Rule::All => {
            let outputs = numbered.map(|(_, output)| output);
            quote_spanned!(span=> (#(#outputs,)*))
        }
        Rule::Try => {
            let numbered = numbered.zip(branches);
            let (bads, goods): (Vec<_>, Vec<_>) = numbered
                .map(|((number, output), branch)| {
                    let (number, bad) = (some(number), tried("bad", branch, &output, span));
                    (quote_spanned!(span=> #number => #err(#bad),), tried("good", branch, &output, span))
                })
                .unzip();
            quote_spanned! {span=>
                match #winner {
                    #(#bads)*
                    _ => #ok((#(#goods,)*)),
                }
            }
        }
        Rule::Any => {
            let arms = numbered.map(|(number, output)| {
                let (number, won) = (some(number), won(number, &output, span));
                quote_spanned!(span=> #number => #won,)
            });
            let ty = branches.iter().fold(
                quote!(::core::convert::Infallible),
                |later, _| quote!(::refluxo::__private::Won<_, #later>),
            );
            let won = own("won");
            quote_spanned! {span=>
                {
                    let #won: #ty = match #winner { #(#arms)* _ => ::core::unreachable!() };
                    #won
                }
            }
        }
    }
}

/// The value of a branch that did not fail, or the error of one that did. The type of a call's output is known, so that one which is no `Result` is
/// told by the twin alone.
fn tried(part: &str, branch: &BranchKind, output: &TokenStream, span: Span) -> TokenStream {
    match branch {
        BranchKind::Call(_) => {
            let (given, part) = (private("Given", span), Ident::new(part, span));
            quote_spanned! {span=>
                {
                    use ::refluxo::__private::NoResult as _;
                    #given(#output).#part()
                }
            }
        }
        BranchKind::Block(_) => {
            let part = private(part, span);
            quote_spanned!(span=> #part(#output))
        }
    }
}

/// What a branch gave.
fn output(number: u32, branch: &BranchKind, span: Span) -> TokenStream {
    match branch {
        BranchKind::Call(ty) => {
            let (outputs, number) = (own("outputs"), Literal::u32_unsuffixed(number));
            quote_spanned!(span=> #outputs.take::<<#ty as ::refluxo::__private::Suspend>::Output>(#number))
        }
        BranchKind::Block(id) => {
            let branch = names::branch(*id);
            quote_spanned!(span=> #branch.take())
        }
    }
}

/// What all branches gave, which are of one kind.
fn outputs(item: &BranchKind, span: Span) -> TokenStream {
    match item {
        BranchKind::Call(ty) => {
            let outputs = own("outputs");
            quote_spanned!(span=> #outputs.all::<<#ty as ::refluxo::__private::Suspend>::Output>())
        }
        BranchKind::Block(id) => {
            let branch = names::branch(*id);
            quote_spanned!(span=> #branch.all())
        }
    }
}

/// `Won::Later(Won::Later(Won::This(output)))` for the branch 2.
fn won(number: u32, output: &TokenStream, span: Span) -> TokenStream {
    let won = private("Won", span);
    let this = quote_spanned!(span=> #won::This(#output));
    (0..number).fold(this, |later, _| quote_spanned!(span=> #won::Later(#later)))
}
