//! The program between parsing and emission: a graph of basic blocks.
//!
//! The code of a block is still Rust syntax. What the graph adds stands in it as *markers* ([`marker`]): jumps to other
//! blocks, suspensions and the outcomes of awaits. Every local has a name of its own ([`Var`]), so that a name is an identity.

pub(crate) mod exits;
pub(crate) mod form;
pub(crate) mod marker;
pub(crate) mod pattern;
pub(crate) mod place;
pub(crate) mod tokens;
mod var;
mod vars;

pub(crate) use var::{Alias, Var, VarInfo, VarTable};
pub(crate) use vars::VarSet;

use form::Form;
use proc_macro2::Span;
use syn::{Expr, Ident, Item, Path, Stmt, Type};

/// A basic block, numbered in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlockId(pub(crate) usize);

/// An await, numbered in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AwaitId(pub(crate) usize);

/// An `async move` block that is a branch of a join, numbered in the order of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BranchId(pub(crate) usize);

/// A lowered workflow.
#[derive(Debug)]
pub(crate) struct Program {
    /// The blocks; the first is the entry.
    pub(crate) blocks: Vec<Block>,
    /// The awaits.
    pub(crate) awaits: Vec<Await>,
    /// The branches that are blocks.
    pub(crate) branches: Vec<Branch>,
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
    /// The branch whose code it is part of; none for the workflow's own.
    pub(crate) owner: Option<BranchId>,
    /// The locals that a loop around it borrows, and which it therefore can't change.
    pub(crate) frozen: VarSet,
    /// Its code.
    pub(crate) stmts: Vec<Stmt>,
}

/// One await of the workflow: one state of the machine.
#[derive(Debug)]
pub(crate) struct Await {
    /// The type of what is awaited, which is that of the state's `call`.
    pub(crate) ty: Type,
    /// The paths of the calls in it: of the one that is awaited, or of those in the branches.
    pub(crate) paths: Vec<Path>,
    /// What comes of it.
    pub(crate) kind: Kind,
    /// The call with its evaluated arguments; of a form, what `desugar` made of it.
    pub(crate) call: Expr,
    /// The block that goes on with the outcome.
    pub(crate) resume: BlockId,
    /// The branch in whose code it stands.
    pub(crate) owner: Option<BranchId>,
    /// The name that `#[state(Name)]` gives.
    pub(crate) name: Option<Ident>,
    /// The locals that a surrounding loop borrows, and which therefore can't change while it waits.
    pub(crate) frozen: VarSet,
    /// Where the await stands.
    pub(crate) span: Span,
}

/// What is awaited, as far as it tells how to make the await's value from the outcome.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// One call, also one that is timed or spawned: the outcome is the value.
    Call,
    /// `join!`, `try_join!`, `select!`.
    Group {
        /// When it is over.
        rule: Rule,
        /// Its branches.
        branches: Vec<BranchKind>,
    },
    /// `join_all!`, whose branches are all alike.
    All {
        /// Each of its branches.
        item: BranchKind,
    },
}

/// When a group is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// `join!`: when every branch has ended.
    All,
    /// `try_join!`: when every branch has ended, or one of them failed.
    Try,
    /// `select!`: when one branch has ended.
    Any,
}

/// A branch of a group.
#[derive(Clone, Debug)]
pub(crate) enum BranchKind {
    /// A call of this type.
    Call(Box<Type>),
    /// An `async move` block.
    Block(BranchId),
}

/// A branch that is an `async move` block: a machine of its own, whose states are in the workflow's enum.
#[derive(Debug)]
pub(crate) struct Branch {
    /// The block where it begins.
    pub(crate) entry: BlockId,
    /// The branch in whose code it stands.
    pub(crate) owner: Option<BranchId>,
    /// What it takes from around it.
    pub(crate) captures: Vec<Capture>,
    /// Whether it is left by `?`.
    pub(crate) tried: bool,
    /// The name that `#[state(Name)]` gives its first state.
    pub(crate) name: Option<Ident>,
    /// Where it stands.
    pub(crate) span: Span,
}

/// A local that an `async move` block takes from around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capture {
    /// The local around the block.
    pub(crate) outer: Var,
    /// The local that its first state saves.
    pub(crate) inner: Var,
    /// Whether the local around is a borrow, of which the block saves a copy.
    pub(crate) lent: bool,
}

impl Program {
    /// The block where the workflow begins.
    pub(crate) const ENTRY: BlockId = BlockId(0);

    /// The branch of this number.
    pub(crate) fn branch(&self, BranchId(number): BranchId) -> &Branch {
        &self.branches[number]
    }

    /// The branch directly inside `owner` of whose code the code of `of` is part, if it is not that of `owner` itself.
    pub(crate) fn inside(&self, owner: Option<BranchId>, of: Option<BranchId>) -> Option<BranchId> {
        let mut around = std::iter::successors(of, |&branch| self.branch(branch).owner);
        around.find(|&branch| self.branch(branch).owner == owner)
    }

    /// The locals with which a block begins where nothing leads to it: the parameters, or what a branch takes from around it.
    pub(crate) fn given(&self, block: BlockId) -> Option<Vec<Var>> {
        if block == Self::ENTRY {
            return Some(self.params.clone());
        }
        let branch = self.branches.iter().find(|branch| branch.entry == block)?;
        Some(branch.captures.iter().map(|capture| capture.inner).collect())
    }
}

impl Await {
    /// Whether `.timeout(…)` stands behind what is awaited.
    pub(crate) fn is_timed(&self) -> bool {
        matches!(Form::of_call(&self.call), Some((Form::Timeout, _)))
    }
}

impl Kind {
    /// The branches of a group that are blocks, with their numbers in it; the one block of a `join_all!` has the number 0.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = (u32, BranchId)> + '_ {
        let branches = match self {
            Self::Call => &[],
            Self::Group { branches, .. } => branches.as_slice(),
            Self::All { item } => std::slice::from_ref(item),
        };
        (0..).zip(branches).filter_map(|(number, branch)| match branch {
            BranchKind::Call(_) => None,
            BranchKind::Block(id) => Some((number, *id)),
        })
    }
}
