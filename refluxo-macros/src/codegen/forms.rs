//! Forms: limited calls, several calls at once, and calls that undo.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Expr, ExprCall, Ident, Macro, Path,
    spanned::Spanned,
    visit::{self, Visit},
    visit_mut::VisitMut,
};

use super::{
    Context,
    blocks::Emitter,
    frame::{self, Types},
    names::own,
};
use crate::{
    ir::{
        BranchId, Capture, Kind, Program, Rule, Var,
        form::Form,
        marker::{Marker, private},
        place::bare,
    },
    layout::{State, json_name, numbered},
    parse::macros::Arguments,
};

impl Emitter<'_> {
    // Input:
    //     form·join(form·branch(charge(order)), form·branch(form·timeout(ship(), day)))
    // Output:
    //     Join::new((Kept::new(call(charge(order))), Kept::new(timeout(call(ship()), day))))
    /// A form as the value that a state awaits.
    pub(super) fn form(&mut self, form: Form, call: &ExprCall) -> TokenStream {
        let span = call.func.span();
        let helper = |name: &str| private(name, span);
        match form {
            Form::Branch => self.branch(call),
            Form::Timeout => {
                let (timeout, operand) = (helper("timeout"), self.first(call));
                let limit = self.rest(call);
                quote_spanned!(span=> #timeout(#operand, #limit))
            }
            Form::Spawn => {
                let (spawned, workflow) = (helper("spawned"), self.first(call));
                quote_spanned!(span=> #spawned(#workflow))
            }
            Form::Join => self.group(Rule::All, &helper("Join"), call),
            Form::TryJoin => self.group(Rule::Try, &helper("TryJoin"), call),
            Form::Select => self.group(Rule::Any, &helper("Select"), call),
            Form::JoinAll => {
                let (join_all, branches) = (helper("JoinAll"), self.value(call.args.first()));
                let limit = match call.args.len() {
                    0 | 1 => quote!(::core::option::Option::None),
                    _ => {
                        let limit = self.rest(call);
                        quote!(::core::option::Option::Some(#limit))
                    }
                };
                quote_spanned!(span=> #join_all::new(#branches, #limit))
            }
            Form::Undo => self.undo(call),
        }
    }

    /// The branches of a group as a tuple.
    fn group(&mut self, rule: Rule, group: &TokenStream, call: &ExprCall) -> TokenStream {
        let outer = std::mem::replace(&mut self.rule, rule);
        let branches: Vec<TokenStream> = call.args.iter().map(|branch| self.value(Some(branch))).collect();
        self.rule = outer;
        quote_spanned!(call.func.span()=> #group::new((#(#branches,)*)))
    }

    /// A branch: the first state of a block, or a call.
    fn branch(&mut self, call: &ExprCall) -> TokenStream {
        if let Some(Expr::Macro(start)) = call.args.first()
            && let Some(Marker::Start(id)) = Marker::of(&start.mac)
        {
            return self.start(id);
        }
        let leaf = match self.rule {
            Rule::All => "Kept",
            Rule::Try => "Fallible",
            Rule::Any => "One",
        };
        let (leaf, operand) = (private(leaf, call.func.span()), self.first(call));
        quote_spanned!(call.func.span()=> #leaf::new(#operand))
    }

    // Output:
    //
    //     {
    //         slot_order_7.put_changed(order);
    //         let mut first = CheckoutFrame::EMPTY;
    //         first.field_order_7 = slot_order_7.out(3, &mut Changes::none());
    //         Block::new(first.build(CheckoutCall::JoinBranch2))
    //     }
    /// The first state of a block: what it takes from around it goes through the slots of the locals inside, and so has their types.
    pub(super) fn start(&self, id: BranchId) -> TokenStream {
        let context = self.context;
        let (branch, State { name, fields }) = (context.program.branch(id), context.layout.first(id));
        let Types { frame, call, .. } = Types::of(context);
        let puts = branch.captures.iter().map(|capture| {
            let (slot, value) = (context.names.slot(capture.inner), self.captured(id, *capture));
            quote!(#slot.put_changed(#value);)
        });
        let first = own("first");
        let outs = fields.iter().map(|field| {
            let (place, slot) = (context.names.field(field.var), context.names.slot(field.var));
            let number = frame::literal(field);
            quote!(#first.#place = #slot.out(#number, &mut ::refluxo::__private::Changes::none());)
        });
        quote_spanned! {branch.span=>
            {
                #(#puts)*
                let mut #first = #frame::EMPTY;
                #(#outs)*
                ::refluxo::__private::Block::new(#first.build(#call::#name))
            }
        }
    }

    /// A local on its way into a block.
    fn captured(&self, block: BranchId, Capture { outer, lent, .. }: Capture) -> TokenStream {
        let value = self.held(outer);
        let (helper, method) = match lent {
            true => ("KeepCopied", "keep"),
            false if self.is_needed_beside(block, outer) => ("NotCopied", "copied"),
            false => return value,
        };
        let span = self.context.program.vars.get(outer).ident.span();
        let (helper, method) = (private(helper, span), Ident::new(method, span));
        quote_spanned!(span=> {
            use #helper as _;
            ::refluxo::__private::Captured(&#value).#method()
        })
    }

    /// Whether what a block takes is needed behind its form or by another block of it, so that it is copied, or else taken by mistake.
    fn is_needed_beside(&self, block: BranchId, local: Var) -> bool {
        let Context { program, liveness, .. } = self.context;
        let awaits = program.awaits.iter().filter(|awaited| awaited.kind.blocks().any(|(_, id)| id == block));
        let takes = |id| program.branch(id).captures.iter().any(|other| other.outer == local);
        awaits.filter(|awaited| matches!(awaited.kind, Kind::Group { .. })).any(|awaited| {
            liveness.at(awaited.resume).contains(local)
                || awaited.kind.blocks().any(|(_, id)| id != block && takes(id))
        })
    }

    /// `compensate!(release(id))` → `undos.push::<(release)>("release", call(release(id)))`
    fn undo(&mut self, call: &ExprCall) -> TokenStream {
        let undo = call.args.first().and_then(called).and_then(|path| self.context.undo(path));
        let Some(Undo { name, path }) = undo else { unreachable!("every call that undoes was found before") };
        let (undos, operand) = (own("undos"), self.first(call));
        quote_spanned!(call.func.span()=> #undos.push::<(#path)>(#name, #operand))
    }

    /// The first argument of a form, as the value that is awaited.
    fn first(&mut self, call: &ExprCall) -> TokenStream {
        match call.args.first() {
            Some(operand) => self.operand(operand),
            None => TokenStream::new(),
        }
    }

    /// What is awaited: another form, or a call by its path.
    fn operand(&mut self, operand: &Expr) -> TokenStream {
        let value = self.value(Some(operand));
        match called(operand) {
            Some(path) => {
                let call = private("call", operand.span());
                quote_spanned!(operand.span()=> #call::<(#path), _>(#value))
            }
            None => value,
        }
    }

    /// The last argument of a form.
    fn rest(&mut self, call: &ExprCall) -> TokenStream {
        self.value(call.args.last())
    }

    /// An expression as it is emitted.
    fn value(&mut self, expr: Option<&Expr>) -> TokenStream {
        let Some(mut expr) = expr.cloned() else { return TokenStream::new() };
        self.visit_expr_mut(&mut expr);
        quote!(#expr)
    }
}

/// The path of a call.
fn called(operand: &Expr) -> Option<&Path> {
    let Expr::Call(call) = bare(operand) else { return None };
    let Expr::Path(path) = &*call.func else { return None };
    Form::of(&path.path).is_none().then_some(&path.path)
}

/// A call that `compensate!` pushes: the name by which a snapshot knows it, and its path.
pub(super) struct Undo {
    pub(super) name: String,
    pub(super) path: Path,
}

impl Context<'_> {
    /// The name and the path of a call that `compensate!` pushes.
    fn undo(&self, path: &Path) -> Option<&Undo> {
        self.undos.iter().find(|undo| undo.path == *path)
    }
}

/// The distinct calls that the `compensate!`s of a workflow push, in the order of the source. They are named after their functions; where
/// two functions share a name, the later one gets a number.
pub(super) fn undos(program: &Program) -> Vec<Undo> {
    let mut finder = Undos { program, found: Vec::new(), taken: BTreeSet::new() };
    for stmt in program.blocks.iter().flat_map(|block| &block.stmts) {
        finder.visit_stmt(stmt);
    }
    finder.found
}

struct Undos<'p> {
    program: &'p Program,
    found: Vec<Undo>,
    taken: BTreeSet<String>,
}

impl Undos<'_> {
    fn arguments(&mut self, arguments: &Arguments) {
        for argument in &arguments.args {
            self.visit_expr(&argument.expr);
        }
        if let Some((_, Some(guard))) = &arguments.matched {
            self.visit_expr(guard);
        }
    }
}

impl Visit<'_> for Undos<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Some((Form::Undo, call)) = Form::of_call(expr)
            && let Some(path) = call.args.first().and_then(called)
            && self.found.iter().all(|undo| undo.path != *path)
            && let Some(last) = path.segments.last()
        {
            let name = json_name(&last.ident);
            let name =
                if self.taken.insert(name.clone()) { name } else { numbered(&name, "", &mut self.taken) };
            self.found.push(Undo { name, path: path.clone() });
        }
        visit::visit_expr(self, expr);
    }

    /// What is awaited stands beside the code, and its arguments may push, too.
    fn visit_macro(&mut self, mac: &Macro) {
        if let Some(Marker::Suspend(id)) = Marker::of(mac) {
            self.visit_expr(&self.program.awaits[id.0].call);
        } else if let Some(arguments) = Arguments::of(mac) {
            self.arguments(&arguments);
        }
    }
}
