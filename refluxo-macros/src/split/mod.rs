//! Locals that are moved by parts are saved by parts.
//!
//! `ship(order.items).await; bill(order.customer).await` leaves `order` without its items at the first await, and a struct with a
//! hole can't be saved. So where a field may be moved out of a local while another one is still needed, each field that the
//! workflow uses gets a local that stands for it. Where the whole is still needed, the whole is saved; where only fields
//! are, these fields are.

mod rewrite;
mod shared;
mod uses;

use syn::{Block, Expr, Ident, Stmt, Type};

use crate::{
    ir::{Program, Var, VarTable},
    liveness::Liveness,
    lower,
};

use uses::{Plain, Uses};

/// A resolved body, and what is known of its locals.
#[derive(Clone)]
pub(crate) struct Body {
    /// The name of the enum.
    pub(crate) machine: Ident,
    pub(crate) vars: VarTable,
    pub(crate) params: Vec<Var>,
    pub(crate) prologue: Vec<Stmt>,
    pub(crate) block: Block,
}

/// Lowers a body, with the locals split that have to be.
pub(crate) fn lower(body: &Body) -> (Program, Liveness) {
    let (program, liveness) = lower_as_it_is(body);
    let mut plain = Plain::default();
    loop {
        let uses = Uses::of(&body.block, plain.clone());
        let candidates = uses.by_parts().filter(|&var| may_split(&program, &liveness, &body.block, var));
        let needed: Vec<Var> =
            candidates.filter(|&var| is_needed(&program, &liveness, body, &uses, var)).collect();
        if needed.is_empty() {
            return (program, liveness);
        }
        let mut parted = body.clone();
        for &var in &needed {
            rewrite::split(&mut parted, &uses, var);
        }
        let (program, liveness) = lower_as_it_is(&parted);
        let parts = needed.iter().flat_map(|&var| program.vars.parts(var));
        let shared: Vec<Var> =
            parts.filter(|&part| shared::is_needed_beside(&program, &liveness, part)).collect();
        let learned = shared.into_iter().filter_map(|part| program.vars.get(part).part_of.clone());
        // What a block would take from others can't be a shared pointer, of which it takes the whole.
        if !plain.extend(learned) {
            return (program, liveness);
        }
    }
}

/// Whether a local has to be split: for the blocks that take its fields, or for the code around them.
fn is_needed(program: &Program, liveness: &Liveness, body: &Body, uses: &Uses, var: Var) -> bool {
    uses.is_captured_by_parts(var)
        || shared::is_needed_beside(program, liveness, var)
        || has_hole(body, uses, var)
}

fn lower_as_it_is(body: &Body) -> (Program, Liveness) {
    let program = lower::lower(body.clone());
    let liveness = Liveness::of(&program);
    (program, liveness)
}

/// Whether some block needs fields of a local of which another one may be gone. It takes a trial to know.
fn has_hole(body: &Body, uses: &Uses, var: Var) -> bool {
    let mut trial = body.clone();
    rewrite::split(&mut trial, uses, var);
    let (program, liveness) = lower_as_it_is(&trial);
    program.blocks.iter().any(|block| {
        let live = liveness.at(block.id);
        let (here, gone): (Vec<Var>, Vec<Var>) =
            program.vars.parts(var).partition(|&part| live.contains(part));
        let may_be_moved = |part: &Var| match &program.vars.get(*part).part_of {
            Some((_, fields)) => uses.is_moved(var, fields),
            None => false,
        };
        !here.is_empty() && gone.iter().any(may_be_moved)
    })
}

/// Whether a local is a value of its own that crosses a block, and no shared pointer.
fn may_split(program: &Program, liveness: &Liveness, block: &Block, var: Var) -> bool {
    let info = program.vars.get(var);
    let names = shared::names(program, var);
    let crosses =
        program.blocks.iter().any(|block| names.iter().any(|name| liveness.at(block.id).contains(name)));
    crosses
        && !shared::is_lent(program, var)
        && info.alias.is_none()
        && info.borrow.is_none()
        && !info.ty.as_ref().is_some_and(is_pointer)
        && !is_made_pointer(block, var)
}

/// Whether a type is one whose fields are behind a shared pointer, out of which nothing can be moved.
fn is_pointer(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|last| last.ident == "Arc" || last.ident == "Rc")
        }
        Type::Reference(_) | Type::Ptr(_) => true,
        _ => false,
    }
}

/// Whether a local is bound to `Arc::new(…)` or `Rc::…`.
fn is_made_pointer(block: &Block, var: Var) -> bool {
    block.stmts.iter().any(|stmt| match stmt {
        Stmt::Local(local) => match (&local.pat, local.init.as_ref().map(|init| &*init.expr)) {
            (syn::Pat::Ident(name), Some(Expr::Call(call))) if Var::of(&name.ident) == Some(var) => {
                matches!(&*call.func, Expr::Path(path)
                    if path.path.segments.iter().any(|part| part.ident == "Arc" || part.ident == "Rc"))
            }
            _ => false,
        },
        _ => false,
    })
}
