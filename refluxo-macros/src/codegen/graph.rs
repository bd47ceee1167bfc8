//! The states and how they follow one another, for diagrams.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::Context;
use crate::ir::{AwaitId, BlockId, exits::Exits};

/// Emits the graph.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let exits: BTreeMap<BlockId, Exits> =
        context.program.blocks.iter().map(|block| (block.id, Exits::of(&block.stmts))).collect();
    let entry = context.program.blocks.first().map(|block| block.id);
    let start = state(context, &exits, "Start", entry);
    let states = context.program.awaits.iter().zip(&context.layout.states);
    let states = states
        .map(|(awaited, layout)| state(context, &exits, &layout.name.to_string(), Some(awaited.resume)));
    quote!(&::refluxo::__private::Graph { states: &[#start, #(#states),*] })
}

/// One state: where the code that runs after it leads.
fn state(
    context: &Context<'_>,
    exits: &BTreeMap<BlockId, Exits>,
    name: &str,
    entry: Option<BlockId>,
) -> TokenStream {
    let mut next: BTreeSet<AwaitId> = BTreeSet::new();
    let mut ends = false;
    for block in reachable(exits, entry) {
        next.extend(&exits[&block].suspensions);
        ends |= exits[&block].returns;
    }
    let next = next.into_iter().map(|id| context.layout.state(id).name.to_string());
    quote!(::refluxo::__private::StateInfo { name: #name, next: &[#(#next),*], ends: #ends, branches: &[] })
}

/// The blocks that may run from `entry` to the next await.
pub(super) fn reachable(exits: &BTreeMap<BlockId, Exits>, entry: Option<BlockId>) -> BTreeSet<BlockId> {
    let mut reached = BTreeSet::new();
    let mut pending: Vec<BlockId> = entry.into_iter().collect();
    while let Some(block) = pending.pop() {
        if reached.insert(block) {
            pending.extend(exits.get(&block).into_iter().flat_map(|exits| &exits.gotos));
        }
    }
    reached
}
