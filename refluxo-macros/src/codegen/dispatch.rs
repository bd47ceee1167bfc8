//! The dispatch function: all blocks in one function body, so that rustc infers a local's type over all of them.
//!
//! The blocks stand in the order of the source, and the entry, which takes a state apart, comes last: in any other order rustc
//! would meet a local before the code that gives it its type.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use super::{
    Context, blocks,
    graph::reachable,
    machine::json_name,
    names::own,
    snapshot::{frame_name, states},
};
use crate::{
    ir::{BlockId, Var, exits::Exits},
    layout::{Field, Saved},
};

impl Context<'_> {
    /// `value`, which leaves the workflow's code, in the function's own `Result` or `Option`.
    pub(super) fn around(&self, value: TokenStream) -> TokenStream {
        let output = &self.source.output;
        if self.source.tried {
            quote!(<#output as ::refluxo::__private::Tried>::around(#value))
        } else {
            value
        }
    }

    /// The end of the workflow with an output.
    pub(super) fn done(&self, value: &TokenStream) -> TokenStream {
        let (machine, output) = (&self.source.enum_ident, &self.source.output);
        if self.source.tried {
            quote!(::refluxo::__private::done_tried::<#machine, #output>(#value))
        } else {
            quote!(::refluxo::__private::done::<#machine, #output>(#value))
        }
    }

    /// What the dispatch function returns.
    fn result(&self) -> TokenStream {
        let (machine, output) = (&self.source.enum_ident, &self.source.output);
        if self.source.tried {
            quote! {
                <#output as ::refluxo::__private::Tried>::Around<
                    ::refluxo::__private::Transition<#machine, <#output as ::refluxo::__private::Tried>::Value>
                >
            }
        } else {
            quote!(::refluxo::__private::Transition<#machine, #output>)
        }
    }

    fn dispatch_name(&self) -> Ident {
        format_ident!("{}_dispatch", self.source.ident)
    }
}

/// `fn resume` of the machine.
pub(super) fn resume(context: &Context<'_>) -> TokenStream {
    let dispatch = context.dispatch_name();
    let output = &context.source.output;
    let call = quote!(#dispatch(frame, outcome));
    let call = if context.source.tried {
        quote!(<#output as ::refluxo::__private::Tried>::close(#call))
    } else {
        call
    };
    quote! {
        fn resume(
            frame: Self::Frame,
            outcome: ::refluxo::__private::Outcome,
        ) -> ::refluxo::__private::Transition<Self, Self::Output> {
            #call
        }
    }
}

/// Emits the dispatch function.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let (dispatch, frame, result) = (context.dispatch_name(), frame_name(context), context.result());
    let items = &context.program.items;
    let slots = slots(context);
    let blocks = context.program.blocks.iter().map(|block| blocks::emit(context, block));
    let entry = entry(context);
    let (frame_name, outcome, block) = (own("frame"), own("outcome"), own("block"));
    let last = proc_macro2::Literal::u32_suffixed(u32::MAX);
    quote! {
        #[allow(unused, unreachable_code, unreachable_patterns, irrefutable_let_patterns, deprecated)]
        #[allow(let_underscore_drop, non_shorthand_field_patterns, unused_must_use)]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        fn #dispatch(#frame_name: #frame, #outcome: ::refluxo::__private::Outcome) -> #result {
            #(#items)*
            #slots
            let mut #outcome = ::core::option::Option::Some(#outcome);
            let mut #frame_name = ::core::option::Option::Some(#frame_name);
            let mut #block: u32 = #last;
            'dispatch: loop {
                match #block {
                    #(#blocks)*
                    _ => { #entry }
                }
            }
        }
    }
}

/// A slot for each local that more than one block knows.
fn slots(context: &Context<'_>) -> TokenStream {
    context
        .crossing
        .iter()
        .filter(|&var| context.program.vars.get(var).alias.is_none())
        .map(|var| {
            let info = context.program.vars.get(var);
            let (slot, span) = (context.names.slot(var), info.ident.span());
            let ty = info.ty.as_ref().map_or_else(|| quote!(_), |ty| quote!(#ty));
            match context.layout.saved.get(&var) {
                Some(Saved::Inferred) if info.literal => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::SavedSlot::literal();)
                }
                Some(Saved::Inferred) => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::SavedSlot::<#ty>::new();)
                }
                Some(Saved::As(_)) | None => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::Slot::<#ty>::new();)
                }
            }
        })
        .collect()
}

/// The last arm: takes the frame apart into the slots. Fields whose type is inferred are decoded where the code that runs next
/// needs them, and else stay as they were stored.
fn entry(context: &Context<'_>) -> TokenStream {
    let exits: BTreeMap<BlockId, Exits> =
        context.program.blocks.iter().map(|block| (block.id, Exits::of(&block.stmts))).collect();
    let first = context.program.blocks.first().map(|block| block.id);
    let start = first.map(|first| {
        let start: Ident = syn::parse_quote!(Start);
        arm(context, &exits, &start, &context.layout.start, first)
    });
    let arms = states(context)
        .map(|(state, awaited)| arm(context, &exits, &state.name, &state.fields, awaited.resume));
    let (frame_name, fault) = (own("frame"), own("fault"));
    let unreadable = context.around(quote!(::refluxo::__private::Transition::Unreadable(#fault)));
    let arms = start.into_iter().chain(arms);
    quote! {
        let mut #fault = ::core::option::Option::None;
        match #frame_name.take() {
            #(#arms)*
            ::core::option::Option::None => ::core::unreachable!(),
        }
        if let ::core::option::Option::Some(#fault) = #fault {
            return #unreadable;
        }
    }
}

// Output: `Some(Frame::Reserve { held: field_held }) => { slot_held.load(field_held, …); block = 2; }`
//
// What can't unwind comes first, since rustc writes down for each call that may what is then to be dropped.
fn arm(
    context: &Context<'_>,
    exits: &BTreeMap<BlockId, Exits>,
    name: &Ident,
    fields: &[Field],
    resume: BlockId,
) -> TokenStream {
    let needed: Vec<Var> = reachable(exits, Some(resume))
        .iter()
        .flat_map(|&block| context.liveness.frame(block).taken.iter())
        .collect();
    let patterns = fields.iter().map(|field| {
        let (ident, value) = (&field.ident, context.names.field(field.var));
        quote!(#ident: #value)
    });
    let (mut moves, mut loads) = (TokenStream::new(), TokenStream::new());
    for field in fields {
        let (slot, value) = (context.names.slot(field.var), context.names.field(field.var));
        match &context.layout.saved[&field.var] {
            Saved::As(_) => moves.extend(quote!(#slot.enter(#value);)),
            Saved::Inferred if needed.contains(&field.var) => {
                let (fault, state, name) = (own("fault"), name.to_string(), json_name(field));
                loads.extend(quote!(#slot.load(#value, #state, #name, &mut #fault);));
            }
            Saved::Inferred => moves.extend(quote!(#slot.keep(#value);)),
        }
    }
    let (block, number, frame) = (own("block"), blocks::number(resume), frame_name(context));
    quote! {
        ::core::option::Option::Some(#frame::#name { #(#patterns),* }) => {
            #moves
            #loads
            #block = #number;
        }
    }
}
