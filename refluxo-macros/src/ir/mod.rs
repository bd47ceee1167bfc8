//! The program between parsing and emission: a graph of basic blocks.
//!
//! The code of a block is still Rust syntax. What the graph adds stands in it as *markers* ([`marker`]): jumps to other
//! blocks, suspensions and the outcomes of awaits. Every local has a name of its own ([`Var`]), so that a name is an identity.

pub(crate) mod exits;
pub(crate) mod marker;
pub(crate) mod pattern;
pub(crate) mod place;
mod var;
mod vars;

pub(crate) use var::{Alias, Var, VarInfo, VarTable};
pub(crate) use vars::VarSet;

use proc_macro2::Span;
use syn::{Expr, Ident, Item, Path, Stmt};

/// A basic block, numbered in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockId(pub(crate) usize);

/// An await, numbered in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AwaitId(pub(crate) usize);

/// A lowered workflow.
#[derive(Debug)]
pub(crate) struct Program {
    /// The blocks; the first is the entry.
    pub(crate) blocks: Vec<Block>,
    /// The awaits.
    pub(crate) awaits: Vec<Await>,
    /// The locals.
    pub(crate) vars: VarTable,
    /// The parameters, as they are saved.
    pub(crate) params: Vec<Var>,
    /// Items that were declared in the body.
    pub(crate) items: Vec<Item>,
}

/// A sequence of statements that ends on every path with a jump, a suspension or a return.
#[derive(Debug)]
pub(crate) struct Block {
    /// Its number in jumps.
    pub(crate) id: BlockId,
    /// The locals that a loop around it borrows, and which it therefore can't change.
    pub(crate) frozen: VarSet,
    /// Its code.
    pub(crate) stmts: Vec<Stmt>,
}

/// One await of the workflow: one state of the machine.
#[derive(Debug)]
pub(crate) struct Await {
    /// The call's path, which is also its type.
    pub(crate) path: Path,
    /// The call with its evaluated arguments.
    pub(crate) call: Expr,
    /// The block that goes on with the outcome.
    pub(crate) resume: BlockId,
    /// The name that `#[state(Name)]` gives.
    pub(crate) name: Option<Ident>,
    /// The locals that a surrounding loop borrows, and which therefore can't change while it waits.
    pub(crate) frozen: VarSet,
    /// Where the await stands.
    pub(crate) span: Span,
}
