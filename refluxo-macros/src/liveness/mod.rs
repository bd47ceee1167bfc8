//! Which locals each block needs, and which each state saves.
//!
//! A local is live where some path from there reads it before it is written. An alias (a local that is bound again on resume)
//! keeps alive what it borrows.

mod backward;
pub(crate) mod mentions;

use std::collections::BTreeMap;

use crate::{
    diag::Errors,
    ir::{Block, BlockId, Program, Var, VarSet, VarTable, exits},
    messages::Message,
};

/// What liveness tells of a program.
pub(crate) struct Liveness {
    live: BTreeMap<BlockId, VarSet>,
    frames: BTreeMap<BlockId, Frame>,
}

/// What a block does with locals.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    /// Locals that it takes out of their slots when it begins.
    pub(crate) taken: VarSet,
    /// Locals that it binds again when it begins.
    pub(crate) rebound: VarSet,
    /// Locals that it assigns, but that are declared in another block and have no value here.
    pub(crate) blank: VarSet,
    /// Locals that its own code binds.
    pub(crate) declared: VarSet,
    /// Locals that its own code mentions.
    pub(crate) mentioned: VarSet,
}

impl Frame {
    /// Whether the block's code holds a local.
    pub(crate) fn holds(&self, var: Var) -> bool {
        self.taken.contains(var) || self.blank.contains(var) || self.declared.contains(var)
    }
}

impl Liveness {
    /// Analyses a program.
    pub(crate) fn of(program: &Program) -> Self {
        let live = live(program);
        let frames = program.blocks.iter().map(|block| (block.id, frame(program, block, &live))).collect();
        Self { live, frames }
    }

    /// The locals that are live when a block begins, aliases and what they borrow included.
    pub(crate) fn at(&self, block: BlockId) -> &VarSet {
        static NONE: VarSet = VarSet::new();
        self.live.get(&block).unwrap_or(&NONE)
    }

    /// What a block does with locals.
    pub(crate) fn frame(&self, block: BlockId) -> &Frame {
        &self.frames[&block]
    }

    /// The locals that a jump from one block to another hands over: those that the first holds and the second needs.
    pub(crate) fn handed_over(&self, vars: &VarTable, from: BlockId, to: BlockId) -> Vec<Var> {
        let needed = self.at(to).iter().filter(|&var| vars.get(var).alias.is_none());
        needed.filter(|&var| self.holds(vars, from, var)).collect()
    }

    /// Whether the code of a block holds a local, or the local of which it is a field, rather than its slot.
    pub(crate) fn holds(&self, vars: &VarTable, block: BlockId, var: Var) -> bool {
        let frame = self.frame(block);
        frame.holds(var) || vars.whole(var).is_some_and(|whole| frame.holds(whole))
    }

    /// The locals that a state saves which goes on at a block.
    pub(crate) fn saved(&self, vars: &VarTable, resume: BlockId) -> Vec<Var> {
        self.at(resume).iter().filter(|&var| vars.get(var).alias.is_none()).collect()
    }
}

/// Reports the locals that live across an await and can't be saved.
pub(crate) fn check(errors: &Errors, program: &Program, liveness: &Liveness, typed: bool) {
    let mut saved = VarSet::new();
    let resumes = program.awaits.iter().map(|state| state.resume);
    for resume in resumes.chain(program.branches.iter().map(|branch| branch.entry)) {
        saved.extend(liveness.saved(&program.vars, resume));
    }
    let taken = program.branches.iter().flat_map(|branch| &branch.captures);
    let captured: VarSet = taken.map(|capture| capture.inner).collect();
    for var in saved.iter() {
        let info = program.vars.get(var);
        let name = info.ident.to_string();
        match &info.borrow {
            Some(what) if captured.contains(var) => {
                errors.at(info.ident.span(), &Message::BranchBorrows { what: what.clone(), name });
            }
            Some(_) if info.mutable => errors.at(info.ident.span(), &Message::ReassignedReference(name)),
            Some(what) => {
                errors.at(info.ident.span(), &Message::BorrowAcrossAwait { what: what.clone(), name });
            }
            None if typed && info.ty.is_none() && !info.made => {
                errors.at(info.ident.span(), &Message::Untyped(name));
            }
            None => {}
        }
    }
}

/// The live locals at the begin of each block: the least fixed point.
fn live(program: &Program) -> BTreeMap<BlockId, VarSet> {
    let mut live = BTreeMap::new();
    loop {
        let mut changed = false;
        for block in program.blocks.iter().rev() {
            let mut now = backward::block(program, &live, block);
            keep_borrowed(&program.vars, &mut now);
            if let Some(given) = program.given(block.id) {
                take_whole(&program.vars, &given, &mut now);
            }
            drop_parts(&program.vars, &mut now);
            changed |= live.get(&block.id) != Some(&now);
            live.insert(block.id, now);
        }
        if !changed {
            return live;
        }
    }
}

/// Adds what the aliases of a set borrow.
fn keep_borrowed(vars: &VarTable, set: &mut VarSet) {
    let mut pending: Vec<Var> = set.iter().collect();
    while let Some(var) = pending.pop() {
        let Some(alias) = vars.get(var).alias else { continue };
        pending.extend(vars.alias(alias).roots.iter().filter(|&root| set.insert(root)));
    }
}

/// A workflow begins with its parameters as a whole, and so does a branch with what it takes from around it.
fn take_whole(vars: &VarTable, given: &[Var], set: &mut VarSet) {
    let whole: Vec<Var> = set.iter().filter_map(|var| vars.whole(var)).collect();
    set.extend(whole.into_iter().filter(|whole| given.contains(whole)));
}

/// Removes the fields of locals that are needed as a whole.
fn drop_parts(vars: &VarTable, set: &mut VarSet) {
    let parts: Vec<Var> =
        set.iter().filter(|&var| vars.whole(var).is_some_and(|whole| set.contains(whole))).collect();
    for part in parts {
        set.remove(part);
    }
}

/// Replaces fields of locals that are held as a whole by these.
fn take_from_whole(vars: &VarTable, held: &VarSet, set: &mut VarSet) {
    let parts: Vec<(Var, Var)> =
        set.iter().filter_map(|var| vars.whole(var).map(|whole| (var, whole))).collect();
    for (part, whole) in parts.into_iter().filter(|(_, whole)| held.contains(*whole)) {
        set.remove(part);
        set.insert(whole);
    }
}

fn frame(program: &Program, block: &Block, live: &BTreeMap<BlockId, VarSet>) -> Frame {
    let vars = &program.vars;
    let (mut mentioned, declared) = mentions::of(program, block);
    let live_here = &live[&block.id];
    // A field of a local that the block holds as a whole is a field of it.
    take_from_whole(vars, live_here, &mut mentioned);
    take_from_whole(vars, &declared, &mut mentioned);
    let mut needed: VarSet = mentioned.iter().filter(|&var| live_here.contains(var)).collect();
    // Where only fields are needed next, they leave the whole here.
    for next in exits::successors(&program.awaits, &block.stmts) {
        let whole = live.get(&next).into_iter().flat_map(VarSet::iter).filter_map(|var| vars.whole(var));
        needed.extend(whole.filter(|&whole| live_here.contains(whole)));
    }
    keep_borrowed(vars, &mut needed);
    take_from_whole(vars, live_here, &mut needed);
    let is_alias = |var: Var| vars.get(var).alias.is_some();
    Frame {
        taken: needed.iter().filter(|&var| !is_alias(var)).collect(),
        rebound: needed.iter().filter(|&var| is_alias(var)).collect(),
        blank: mentioned
            .iter()
            .filter(|&var| !live_here.contains(var) && !declared.contains(var) && !is_alias(var))
            .collect(),
        declared,
        mentioned,
    }
}
