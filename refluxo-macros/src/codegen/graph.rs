//! The states and how they follow one another, for diagrams.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::TokenStream;
use quote::quote;

use super::{Context, Entry};
use crate::ir::{AwaitId, BlockId, exits::Exits};

/// Emits the graph.
pub(super) fn emit(context: &Context<'_>) -> TokenStream {
    let exits: BTreeMap<BlockId, Exits> =
        context.program.blocks.iter().map(|block| (block.id, Exits::of(&block.stmts))).collect();
    let states = context.entries().map(|entry| state(context, &exits, &entry));
    quote!(&::refluxo::__private::Graph { states: &[#(#states),*] })
}

/// One state: where the code that runs after it leads.
fn state(context: &Context<'_>, exits: &BTreeMap<BlockId, Exits>, entry: &Entry<'_>) -> TokenStream {
    let mut next: BTreeSet<AwaitId> = BTreeSet::new();
    let mut ends = false;
    for block in reachable(exits, entry.resume) {
        next.extend(&exits[&block].suspensions);
        ends |= exits[&block].returns;
    }
    let name = entry.state.name.to_string();
    let next = next.into_iter().map(|id| context.layout.state(id).name.to_string());
    let blocks = entry.awaited.into_iter().flat_map(|awaited| awaited.kind.blocks());
    let branches = blocks.map(|(_, branch)| context.layout.first(branch).name.to_string());
    quote! {
        ::refluxo::__private::StateInfo { name: #name, next: &[#(#next),*], ends: #ends, branches: &[#(#branches),*] }
    }
}

/// The blocks that may run from `entry` to the next await.
pub(super) fn reachable(exits: &BTreeMap<BlockId, Exits>, entry: BlockId) -> BTreeSet<BlockId> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![entry];
    while let Some(block) = pending.pop() {
        if reached.insert(block) {
            pending.extend(exits.get(&block).into_iter().flat_map(|exits| &exits.gotos));
        }
    }
    reached
}
