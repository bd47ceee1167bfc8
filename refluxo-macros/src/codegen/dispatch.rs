//! The dispatch function: all blocks in one function body, so that rustc infers a local's type over all of them.
//!
//! The blocks stand in the order of the source: in any other order rustc would meet a local before the code that gives it its
//! type. A block that suspends leaves the loop with its call; what all states have in common is done once, behind it.

use std::collections::BTreeMap;

use proc_macro2::{Literal, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use super::{
    Context, blocks,
    frame::{self, Types},
    graph::reachable,
    names::own,
};
use crate::{
    ir::{BlockId, Var, exits::Exits},
    layout::{Field, Saved, json_name},
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
    let call = quote!(#dispatch(frame, outcome, undos));
    let call = if context.source.tried {
        quote!(<#output as ::refluxo::__private::Tried>::close(#call))
    } else {
        call
    };
    quote! {
        fn resume(
            frame: Self::Frame,
            outcome: ::refluxo::__private::Outcome,
            undos: &mut ::refluxo::__private::Undos,
        ) -> ::refluxo::__private::Transition<Self, Self::Output> {
            #call
        }
    }
}

/// Emits the dispatch function.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let (dispatch, frame, result) = (context.dispatch_name(), Types::of(context).frame, context.result());
    let items = &context.program.items;
    let slots = slots(context);
    let entry = entry(context);
    let blocks = context.program.blocks.iter().map(|block| blocks::emit(context, block));
    let exit = exit(context);
    let (frame_name, outcome, block, call) = (own("frame"), own("outcome"), own("block"), own("call"));
    let (undos, call_type) = (own("undos"), Types::of(context).call);
    quote! {
        #[allow(unused, unreachable_code, unreachable_patterns, irrefutable_let_patterns, deprecated)]
        #[allow(let_underscore_drop, non_shorthand_field_patterns, unused_must_use)]
        #[allow(clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        fn #dispatch(
            mut #frame_name: #frame,
            #outcome: ::refluxo::__private::Outcome,
            #undos: &mut ::refluxo::__private::Undos,
        ) -> #result {
            #(#items)*
            #slots
            let mut #outcome = ::core::option::Option::Some(#outcome);
            #entry
            let #call: #call_type = 'dispatch: loop {
                match #block {
                    #(#blocks)*
                    _ => ::core::unreachable!(),
                }
            };
            #exit
        }
    }
}

/// A slot for each local that more than one block knows. Those that states save take over what the frame holds.
fn slots(context: &Context<'_>) -> TokenStream {
    let frame = own("frame");
    let slots = context.crossing.iter().filter(|&var| context.program.vars.get(var).alias.is_none());
    slots
        .map(|var| {
            let info = context.program.vars.get(var);
            let (slot, span) = (context.names.slot(var), info.ident.span());
            let ty = info.ty.as_ref().map_or_else(|| quote!(_), |ty| quote!(#ty));
            let field = context.layout.all.iter().find(|field| field.var == var);
            let Some(field) = field else {
                return quote_spanned!(span=> let mut #slot = ::refluxo::__private::Slot::<#ty>::new(););
            };
            let ident = context.names.field(field.var);
            match &context.layout.saved[&var] {
                Saved::As(_) => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::Slot::<#ty>::of(#frame.#ident);)
                }
                Saved::Inferred if info.literal => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::SavedSlot::literal(#frame.#ident);)
                }
                Saved::Inferred => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::SavedSlot::<#ty>::of(#frame.#ident);)
                }
            }
        })
        .collect()
}

/// Finds the block where a state goes on. Fields whose type is inferred are decoded where the code that runs next needs them, and
/// else stay as they were stored.
fn entry(context: &Context<'_>) -> TokenStream {
    let exits: BTreeMap<BlockId, Exits> =
        context.program.blocks.iter().map(|block| (block.id, Exits::of(&block.stmts))).collect();
    let first = context.program.blocks.first().map(|block| block.id);
    let start = first.map(|first| {
        let start: Ident = syn::parse_quote!(Start);
        arm(context, &exits, &Literal::usize_unsuffixed(0), &start, &context.layout.start, first)
    });
    let states = context.layout.states.iter().zip(&context.program.awaits).enumerate();
    let arms = states.map(|(number, (state, awaited))| {
        arm(context, &exits, &frame::number(number), &state.name, &state.fields, awaited.resume)
    });
    let (frame_name, fault, block) = (own("frame"), own("fault"), own("block"));
    let unreadable = context.around(quote!(::refluxo::__private::Transition::Unreadable(#fault)));
    quote! {
        let mut #fault = ::core::option::Option::None;
        let mut #block: u32 = match #frame_name.at {
            #start
            #(#arms)*
            _ => ::core::unreachable!(),
        };
        if let ::core::option::Option::Some(#fault) = #fault {
            return #unreadable;
        }
    }
}

/// `3 => { slot_held.load("Reserve", "held", &mut fault); 2 }`
fn arm(
    context: &Context<'_>,
    exits: &BTreeMap<BlockId, Exits>,
    at: &Literal,
    name: &Ident,
    fields: &[Field],
    resume: BlockId,
) -> TokenStream {
    let needed: Vec<Var> = reachable(exits, Some(resume))
        .iter()
        .flat_map(|&block| context.liveness.frame(block).taken.iter())
        .collect();
    let needed = fields.iter().filter(|field| frame::inferred(context, field) && needed.contains(&field.var));
    let loads = needed.map(|field| {
        let slot = context.names.slot(field.var);
        let (fault, state, name) = (own("fault"), name.to_string(), json_name(&field.ident));
        quote!(#slot.load(#state, #name, &mut #fault);)
    });
    let block = blocks::number(resume);
    quote!(#at => { #(#loads)* #block })
}

/// Builds the new state: the locals leave their slots for the frame, and from there those that the state saves go into it.
fn exit(context: &Context<'_>) -> TokenStream {
    let (frame, call, changes) = (own("frame"), own("call"), own("changes"));
    let outs = context.layout.all.iter().map(|field| {
        let (ident, slot, number) =
            (context.names.field(field.var), context.names.slot(field.var), frame::literal(field));
        quote!(#frame.#ident = #slot.out(#number, &mut #changes);)
    });
    let suspend =
        context.around(quote!(::refluxo::__private::Transition::Suspend(#frame.build(#call), #changes)));
    quote! {
        let mut #changes = ::refluxo::__private::Changes::none();
        #(#outs)*
        #suspend
    }
}
