//! Locals that are moved by parts become one local a part.
//!
//! `ship(order.items).await; bill(order.customer).await` leaves `order` without its items at the first await, and a struct with a
//! hole can't be saved. If a local is only ever used by its fields, and a field may be moved out of it while another one is
//! still needed over an await, each field becomes a local of its own where the whole was bound:
//! `let order_items = order.items; let order_customer = order.customer;`.

mod rewrite;
mod uses;

use std::collections::BTreeMap;

use syn::{Block, Expr, Stmt, Type};

use crate::{
    ir::{Program, Var, VarTable},
    liveness::Liveness,
    lower,
};

use uses::{Fields, Uses};

/// A resolved body, and what is known of its locals.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) vars: VarTable,
    pub(crate) params: Vec<Var>,
    pub(crate) prologue: Vec<Stmt>,
    pub(crate) block: Block,
}

/// A local that is replaced by its parts.
type Split = BTreeMap<Var, Vec<(Fields, Var)>>;

/// Lowers a body, with the locals split that have to be.
pub(crate) fn lower(mut body: Body) -> (Program, Liveness) {
    loop {
        let (program, liveness) = lower_as_it_is(&body);
        let uses = Uses::of(&body.block);
        let candidates: Vec<Var> =
            uses.by_parts().filter(|&var| may_split(&program, &liveness, &body.block, var)).collect();
        let needed = needed(&body, &uses, candidates);
        if needed.is_empty() {
            return (program, liveness);
        }
        rewrite::split(&mut body, &uses, &needed);
    }
}

fn lower_as_it_is(body: &Body) -> (Program, Liveness) {
    let Body { vars, params, prologue, block } = body.clone();
    let program = lower::lower(vars, params, prologue, block);
    let liveness = Liveness::of(&program);
    (program, liveness)
}

/// The candidates of which a part may be gone while another one is needed. It takes a trial to know.
fn needed(body: &Body, uses: &Uses, candidates: Vec<Var>) -> Vec<Var> {
    if candidates.is_empty() {
        return candidates;
    }
    let mut trial = body.clone();
    let split = rewrite::split(&mut trial, uses, &candidates);
    let (program, liveness) = lower_as_it_is(&trial);
    candidates
        .into_iter()
        .filter(|var| {
            program.blocks.iter().any(|block| {
                let live = liveness.at(block.id);
                let needed = split[var].iter().any(|(_, part)| live.contains(*part));
                let gone = split[var]
                    .iter()
                    .any(|(fields, part)| uses.is_moved(*var, fields) && !live.contains(*part));
                needed && gone
            })
        })
        .collect()
}

/// Whether a local is a value of its own that crosses a block, and no shared pointer.
fn may_split(program: &Program, liveness: &Liveness, block: &Block, var: Var) -> bool {
    let info = program.vars.get(var);
    let crosses = program.blocks.iter().any(|block| liveness.at(block.id).contains(var));
    crosses
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
