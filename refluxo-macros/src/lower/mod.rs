//! From a tree to basic blocks.
//!
//! The basic idea is as follows: what holds no await is emitted as it was written. What holds one is split there: the
//! statements up to it end a block with a suspension, and the rest of the construct goes on in another block. A branch stays
//! inline, in the Rust scope of its condition or pattern, up to its first await; blocks of their own exist only where a
//! suspended workflow goes on, where branches meet and where a loop begins again.

mod alias;
mod branch;
mod control;
mod expr;
mod form;
mod jumps;
mod query;
mod repeat;
mod spill;
mod stmt;

pub(crate) use query::{awaits_in_stmt, expr_attributes, first_await};

use std::collections::BTreeSet;

use proc_macro2::Span;
use syn::{Block as SynBlock, Expr, Ident, Item, Pat, Path, Stmt, Type, parse_quote};

use crate::{
    ir::{Await, AwaitId, Block, BlockId, Branch, BranchId, Kind, Program, VarSet, VarTable, marker::Marker},
    split::Body,
};

/// Lowers a resolved body.
pub(crate) fn lower(body: Body) -> Program {
    let Body { machine, vars, params, prologue, block } = body;
    let mut lowerer = Lowerer::new(machine, vars);
    let entry = lowerer.new_block();
    lowerer.reached.insert(entry);
    lowerer.place(entry);
    let stmts = prologue.into_iter().chain(block.stmts).collect();
    lowerer.stmts(stmts, &Dest::Return);
    lowerer.finish();
    let Lowerer { vars, blocks, awaits, parallel, items, .. } = lowerer;
    let awaits = awaits.into_iter().flatten().collect();
    Program { blocks, awaits, branches: parallel, vars, params, items }
}

/// What becomes of a construct's value.
#[derive(Clone, Debug)]
enum Dest {
    /// Nothing.
    Discard,
    /// A local is bound to it.
    Let(Box<Binding>),
    /// The workflow returns it.
    Return,
}

/// The left side of a `let`.
#[derive(Clone, Debug)]
struct Binding {
    pattern: Pat,
    ty: Option<Type>,
}

impl Binding {
    /// `let PATTERN: TYPE = value;`
    fn bind(&self, value: &Expr) -> Stmt {
        let pattern = &self.pattern;
        match &self.ty {
            Some(ty) => parse_quote!(let #pattern: #ty = #value;),
            None => parse_quote!(let #pattern = #value;),
        }
    }
}

/// Where the statements of the open sequence go when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Home {
    /// They are the block that was placed as this one.
    Block(usize),
    /// They are a branch inside another sequence.
    Branch(usize),
    /// Nothing leads to them.
    Nowhere,
}

/// A construct that was split, as `break` and `continue` see it.
#[derive(Clone, Debug)]
struct Target {
    label: Option<Ident>,
    /// Where `break` leads, and what becomes of its value.
    exit: BlockId,
    dest: Dest,
    /// Where `continue` leads; a labelled block has none.
    head: Option<BlockId>,
}

/// What a state is to wait for: the first fields of an [`Await`].
struct Wait {
    ty: Type,
    paths: Vec<Path>,
    kind: Kind,
    call: Expr,
}

struct Lowerer {
    /// The name of the enum.
    machine: Ident,
    vars: VarTable,
    /// The blocks in the order in which they were placed, which is that of the source.
    blocks: Vec<Block>,
    /// The awaits; those that are reserved only are still missing.
    awaits: Vec<Option<Await>>,
    /// The branches that are blocks.
    parallel: Vec<Branch>,
    /// The branch whose code is being lowered.
    owner: Option<BranchId>,
    items: Vec<Item>,
    /// The open sequence.
    seq: Vec<Stmt>,
    home: Home,
    /// Whether the end of the open sequence can be reached.
    open: bool,
    /// The branches whose sequences have ended.
    branches: Vec<Vec<Stmt>>,
    block_count: usize,
    /// The blocks that something leads to.
    reached: BTreeSet<BlockId>,
    /// The split constructs around, innermost last.
    targets: Vec<Target>,
    /// The locals that surrounding loops borrow.
    frozen: VarSet,
    /// The locals of code without awaits that may be borrows.
    lent: VarSet,
    /// The name that the next await's state gets.
    state_name: Option<Ident>,
}

impl Lowerer {
    fn new(machine: Ident, vars: VarTable) -> Self {
        Self {
            machine,
            vars,
            blocks: Vec::new(),
            awaits: Vec::new(),
            parallel: Vec::new(),
            owner: None,
            items: Vec::new(),
            seq: Vec::new(),
            home: Home::Nowhere,
            open: false,
            branches: Vec::new(),
            block_count: 0,
            reached: BTreeSet::new(),
            targets: Vec::new(),
            frozen: VarSet::new(),
            lent: VarSet::new(),
            state_name: None,
        }
    }

    /// A block that is not yet placed.
    fn new_block(&mut self) -> BlockId {
        self.block_count += 1;
        BlockId(self.block_count - 1)
    }

    /// Ends the open sequence and begins the block; what follows is dropped if nothing leads there.
    fn place(&mut self, block: BlockId) {
        self.finish();
        self.open = self.reached.contains(&block);
        self.home = if self.open { Home::Block(self.blocks.len()) } else { Home::Nowhere };
        if self.open {
            let (owner, frozen) = (self.owner, self.frozen.clone());
            self.blocks.push(Block { id: block, owner, frozen, stmts: Vec::new() });
        }
    }

    /// Ends the open sequence.
    fn finish(&mut self) {
        let stmts = std::mem::take(&mut self.seq);
        match self.home {
            Home::Block(placed) => self.blocks[placed].stmts = stmts,
            Home::Branch(branch) => self.branches[branch] = stmts,
            Home::Nowhere => {}
        }
        self.home = Home::Nowhere;
        self.open = false;
    }

    /// Lowers a branch of the open sequence; returns the part of it that stays inline.
    fn branch(&mut self, lower: impl FnOnce(&mut Self)) -> SynBlock {
        let number = self.branches.len();
        self.branches.push(Vec::new());
        let outer_seq = std::mem::take(&mut self.seq);
        let outer_home = std::mem::replace(&mut self.home, Home::Branch(number));
        let outer_open = std::mem::replace(&mut self.open, true);
        lower(self);
        self.finish();
        self.seq = outer_seq;
        self.home = outer_home;
        self.open = outer_open;
        let stmts = std::mem::take(&mut self.branches[number]);
        SynBlock { brace_token: syn::token::Brace::default(), stmts }
    }

    /// Appends a statement, if its place can be reached.
    fn emit(&mut self, stmt: Stmt) {
        if self.open {
            self.seq.push(stmt);
        }
    }

    /// Appends a statement that ends the sequence.
    fn emit_end(&mut self, expr: Expr) {
        self.emit(Stmt::Expr(expr, Some(syn::Token![;](Span::call_site()))));
        self.open = false;
    }

    /// Jumps to a block.
    fn goto(&mut self, block: BlockId) {
        if self.open {
            self.reached.insert(block);
            self.emit_end(Marker::Goto(block).expr());
        }
    }

    /// The number of the next await, if it can be reached. So an await comes before those in its branches.
    fn reserve(&mut self) -> Option<AwaitId> {
        self.open.then(|| {
            self.awaits.push(None);
            AwaitId(self.awaits.len() - 1)
        })
    }

    /// Ends the transition at an await; returns its outcome, which is to be used at once.
    fn suspend(&mut self, wait: Wait, span: Span) -> Expr {
        let id = self.reserve();
        self.suspend_at(id, wait, span)
    }

    /// Ends the transition at an await whose number is reserved.
    fn suspend_at(&mut self, id: Option<AwaitId>, wait: Wait, span: Span) -> Expr {
        let name = self.state_name.take();
        let Some(id) = id else { return unreachable_value() };
        let resume = self.new_block();
        let Wait { ty, paths, kind, call } = wait;
        let (owner, frozen) = (self.owner, self.frozen.clone());
        self.awaits[id.0] = Some(Await { ty, paths, kind, call, resume, owner, name, frozen, span });
        self.emit_end(Marker::Suspend(id).expr());
        self.reached.insert(resume);
        self.place(resume);
        Marker::Outcome(id).expr()
    }

    /// Does with a value what is to become of it.
    fn give(&mut self, dest: &Dest, value: &Expr) {
        match dest {
            Dest::Discard if is_unit(value) => {}
            Dest::Discard => self.emit(parse_quote!(#value;)),
            Dest::Let(binding) => self.emit(binding.bind(value)),
            Dest::Return => self.emit_end(parse_quote!(return #value)),
        }
    }

    /// Binds a value to a local of the macro's; returns the local as an expression.
    fn bind(&mut self, name: &str, span: Span, mutable: bool, value: &Expr) -> Expr {
        let var = self.vars.make(name, span);
        self.vars.get_mut(var).mutable = mutable;
        let ident = self.vars.ident(var);
        self.emit(if mutable {
            parse_quote!(let mut #ident = #value;)
        } else {
            parse_quote!(let #ident = #value;)
        });
        parse_quote!(#ident)
    }

    /// A place for the value of a construct that several branches give.
    fn value(&mut self, span: Span) -> (Dest, Expr) {
        let var = self.vars.make("value", span);
        let ident = self.vars.ident(var);
        (Dest::Let(Box::new(Binding { pattern: parse_quote!(#ident), ty: None })), parse_quote!(#ident))
    }
}

/// Whether an expression is `()`.
fn is_unit(expr: &Expr) -> bool {
    matches!(expr, Expr::Tuple(tuple) if tuple.elems.is_empty())
}

/// Stands where nothing leads.
fn unreachable_value() -> Expr {
    parse_quote!(::core::unreachable!())
}
