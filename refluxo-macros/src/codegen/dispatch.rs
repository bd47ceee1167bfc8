//! The dispatch function: all blocks in one function body, so that rustc infers a local's type over all of them.
//!
//! The blocks stand in the order of the source: in any other order rustc would meet a local before the code that gives it its
//! type. A block that suspends leaves the loop with its call; what all states have in common is done once, behind it.

use std::collections::BTreeMap;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Ident;

use super::{
    Context, Entry, blocks,
    frame::{self, Types},
    graph::reachable,
    names::{self, own},
};
use crate::{
    ir::{Await, Block, BlockId, BranchId, Kind, Rule, Var, VarSet, exits::Exits, marker::private},
    layout::{Saved, State, json_name},
};

impl Context<'_> {
    /// `value`, which leaves the workflow's code, in the function's own `Result` or `Option`.
    fn around(&self, value: TokenStream) -> TokenStream {
        let output = &self.source.output;
        if self.source.tried {
            quote!(<#output as ::refluxo::__private::Tried>::around(#value))
        } else {
            value
        }
    }

    /// `branch_0.done(value)`, or `branch_done_tried(&branch_0, value)` of a block that uses `?`.
    fn on_branch(&self, id: BranchId, what: &str, value: &TokenStream) -> TokenStream {
        let (mut name, branch) = (names::branch(id), self.program.branch(id));
        if branch.tried {
            // All of it at the block, for rustc's word on one that returns no `Result`.
            let span = Span::mixed_site().located_at(branch.span);
            name.set_span(span);
            let function = Ident::new(&format!("branch_{what}_tried"), span);
            quote_spanned!(span=> ::refluxo::__private::#function(&#name, #value))
        } else {
            let method = own(what);
            quote!(#name.#method(#value))
        }
    }

    /// The end of a branch, which leaves the code around it: that of another branch, or that of the workflow.
    fn left(&self, owner: Option<BranchId>, end: &Ident) -> TokenStream {
        match owner {
            None => self.around(quote!(::refluxo::__private::Transition::Branch(#end))),
            Some(id) => self.on_branch(id, "left", &quote!(#end)),
        }
    }

    /// The end of the workflow, or of one of its branches, with an output.
    pub(super) fn done(&self, owner: Option<BranchId>, value: &TokenStream) -> TokenStream {
        if let Some(id) = owner {
            return self.on_branch(id, "done", value);
        }
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
    let branches = branches(context);
    let blocks = arms(context, None, &context.program.blocks);
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
            #branches
            let mut #outcome = ::core::option::Option::Some(#outcome);
            #entry
            let #call: #call_type = 'dispatch: loop {
                match #block {
                    #blocks
                    _ => ::core::unreachable!(),
                }
            };
            #exit
        }
    }
}

/// The witness of each branch's output.
fn branches(context: &Context<'_>) -> TokenStream {
    let groups = context.program.awaits.iter().map(|awaited| &awaited.kind);
    groups
        .flat_map(|kind| kind.blocks().map(move |(_, id)| (kind, id)))
        .map(|(kind, id)| {
            let (branch, span) = (names::branch(id), context.program.branch(id).span);
            let new = if matches!(kind, Kind::Group { rule: Rule::Try, .. }) { "fallible" } else { "new" };
            let new = Ident::new(new, span);
            // What never ends has no value that would tell its type.
            let ty = if ends(context, id) { quote!(_) } else { quote!(()) };
            quote_spanned!(span=> let mut #branch = ::refluxo::__private::BranchOut::<#ty>::#new();)
        })
        .collect()
}

/// Whether the code of a branch leads to its end.
fn ends(context: &Context<'_>, id: BranchId) -> bool {
    let mut its = context.program.blocks.iter().filter(|block| block.owner == Some(id));
    its.any(|block| Exits::of(&block.stmts).returns)
}

/// The blocks of a machine as arms of its loop. Those of a branch are one arm.
fn arms(context: &Context<'_>, owner: Option<BranchId>, mut blocks: &[Block]) -> TokenStream {
    let mut arms = TokenStream::new();
    while let Some((first, after)) = blocks.split_first() {
        let inside = |block: &Block| context.program.inside(owner, block.owner);
        let rest = match inside(first) {
            None => {
                arms.extend(blocks::emit(context, first));
                after
            }
            Some(branch) => {
                let count = blocks.iter().take_while(|block| inside(block) == Some(branch)).count();
                let (its, rest) = blocks.split_at(count);
                arms.extend(branch_arm(context, branch, its));
                rest
            }
        };
        blocks = rest;
    }
    arms
}

// Output:
//
//     3 | 4 => 'code: {
//         let ended = (|| {
//             let call: CheckoutCall = 'dispatch: loop { match block { 3 => …, 4 => …, _ => unreachable!() } };
//             branch_0.going(call)
//         })();
//         match branch_0.end(ended) {
//             Ok(call) => break 'dispatch call,
//             Err(end) => return Transition::Branch(end),
//         }
//     }
/// The blocks of a branch: a loop of their own in a closure, out of which `?` and `return` lead to the end of the branch.
fn branch_arm(context: &Context<'_>, id: BranchId, its: &[Block]) -> TokenStream {
    let branch = context.program.branch(id);
    let numbers = its.iter().map(|block| blocks::number(block.id));
    let arms = arms(context, Some(id), its);
    let at_branch = |name: &str| Ident::new(name, Span::mixed_site().located_at(branch.span));
    let (block, call, ended) = (own("block"), at_branch("call"), at_branch("ended"));
    let call_type = Types::of(context).call;
    let going = context.on_branch(id, "going", &quote!(#call));
    let end = context.on_branch(id, "end", &quote!(#ended));
    let left = context.left(branch.owner, &ended);
    quote! {
        #(#numbers)|* => 'code: {
            let #ended = (|| {
                let #call: #call_type = 'dispatch: loop {
                    match #block {
                        #arms
                        _ => ::core::unreachable!(),
                    }
                };
                #going
            })();
            match #end {
                ::core::result::Result::Ok(#call) => break 'dispatch #call,
                ::core::result::Result::Err(#ended) => return #left,
            }
        }
    }
}

/// A slot for each local that more than one block knows. Those that states save take over what the frame holds.
fn slots(context: &Context<'_>) -> TokenStream {
    let frame = own("frame");
    let captures = context.program.branches.iter().flat_map(|branch| &branch.captures);
    let lent: VarSet = captures.filter(|capture| capture.lent).map(|capture| capture.inner).collect();
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
                Saved::Inferred if lent.contains(var) => {
                    quote_spanned!(span=> let mut #slot = ::refluxo::__private::lent_slot(#frame.#ident);)
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
    let arms = context.entries().map(|entry| arm(context, &exits, &entry));
    let (frame_name, fault, block) = (own("frame"), own("fault"), own("block"));
    let unreadable = context.around(quote!(::refluxo::__private::Transition::Unreadable(#fault)));
    quote! {
        let mut #fault = ::core::option::Option::None;
        let mut #block: u32 = match #frame_name.at {
            #(#arms)*
            _ => ::core::unreachable!(),
        };
        if let ::core::option::Option::Some(#fault) = #fault {
            return #unreadable;
        }
    }
}

/// `3 => { slot_held.load("Reserve", "held", &mut fault); 2 }`
fn arm(context: &Context<'_>, exits: &BTreeMap<BlockId, Exits>, entry: &Entry<'_>) -> TokenStream {
    let Entry { at, state: State { name, fields }, awaited, resume } = entry;
    let needed: Vec<Var> = reachable(exits, *resume)
        .iter()
        .flat_map(|&block| context.liveness.frame(block).taken.iter())
        .collect();
    let needed = fields.iter().filter(|field| frame::inferred(context, field) && needed.contains(&field.var));
    let loads = needed.map(|field| {
        let slot = context.names.slot(field.var);
        let (fault, state, name) = (own("fault"), name.to_string(), json_name(&field.ident));
        quote!(#slot.load(#state, #name, &mut #fault);)
    });
    let outputs = awaited.and_then(outputs);
    let block = blocks::number(*resume);
    quote!(#at => { #(#loads)* #outputs #block })
}

/// Loads what the blocks gave whose group was awaited: `load_branches(&mut outcome, |outputs| branch_1.load(outputs, 1, &mut fault));`
fn outputs(awaited: &Await) -> Option<TokenStream> {
    let (outcome, outputs, fault) = (own("outcome"), own("outputs"), own("fault"));
    let loads: Vec<TokenStream> = awaited
        .kind
        .blocks()
        .map(|(number, branch)| {
            let (branch, number) = (names::branch(branch), Literal::u32_unsuffixed(number));
            match awaited.kind {
                Kind::All { .. } => quote!(#branch.load_all(#outputs, &mut #fault);),
                Kind::Call | Kind::Group { .. } => quote!(#branch.load(#outputs, #number, &mut #fault);),
            }
        })
        .collect();
    let load = if awaited.is_timed() { "load_branches_in_time" } else { "load_branches" };
    let load = private(load, awaited.span);
    (!loads.is_empty()).then(|| quote!(#load(&mut #outcome, |#outputs| { #(#loads)* });))
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
