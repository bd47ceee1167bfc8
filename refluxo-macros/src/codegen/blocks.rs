//! The code of a block: markers and locals become Rust.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Attribute, Expr, ExprClosure, ExprReturn, Ident, Item, Local, Macro, Pat, Stmt,
    visit_mut::{self, VisitMut},
};

use super::{Context, frame::Types, names::own, outcome::outcome};
use crate::{
    ir::{
        Await, AwaitId, Block, BlockId, Rule, Var, form::Form, marker, marker::Marker, pattern,
        tokens::with_idents,
    },
    layout::State,
    parse::macros::Arguments,
};

// Output:
//
//     2u32 => 'code: {
//         let mut held = slot_held.take();
//         let Some(item) = current(&order.items, &item_at) else { unreachable!() };
//         …
//     }
/// Emits a block as an arm of the dispatch loop.
///
/// It is a labelled block, so that a `break` that a foreign macro hides can't leave our loop unseen.
pub(super) fn emit(context: &Context<'_>, block: &Block) -> TokenStream {
    let number = number(block.id);
    let begin = begin(context, block);
    let mut emitter = Emitter::of(context, block);
    let stmts = emitter.stmts(&block.stmts);
    quote! {
        #number => 'code: {
            #begin
            #(#stmts)*
        }
    }
}

/// The number of a block in the dispatch loop.
pub(super) fn number(BlockId(id): BlockId) -> proc_macro2::Literal {
    proc_macro2::Literal::usize_unsuffixed(id)
}

/// Takes locals out of their slots, and binds again those that are not saved.
fn begin(context: &Context<'_>, block: &Block) -> TokenStream {
    let frame = context.liveness.frame(block.id);
    let mut tokens = TokenStream::new();
    for var in frame.taken.iter() {
        let (local, slot) = (context.names.declared(var), context.names.slot(var));
        tokens.extend(quote!(let mut #local = #slot.take();));
    }
    for var in frame.blank.iter() {
        let local = context.names.declared(var);
        let ty = context.program.vars.get(var).ty.as_ref().map(|ty| quote!(: #ty));
        tokens.extend(quote!(let mut #local #ty;));
        if context.crosses(var) {
            // Never run: it says that this is the type that other blocks know.
            let slot = context.names.slot(var);
            tokens.extend(quote!(if false { #local = #slot.take(); }));
        }
    }
    let mut bound = Vec::new();
    for id in frame.rebound.iter().filter_map(|var| context.program.vars.get(var).alias) {
        if bound.contains(&id) {
            continue;
        }
        bound.push(id);
        let alias = context.program.vars.alias(id);
        let mut pattern = pattern::keep(alias.pattern.clone(), &|var| frame.rebound.contains(var));
        let mut source = alias.source.clone();
        let mut emitter = Emitter::of(context, block);
        emitter.visit_pat_mut(&mut pattern);
        emitter.visit_expr_mut(&mut source);
        tokens.extend(quote!(let #pattern = #source else { ::core::unreachable!() };));
    }
    tokens
}

pub(super) struct Emitter<'c> {
    pub(super) context: &'c Context<'c>,
    block: &'c Block,
    in_closure: bool,
    /// The rule of the group whose branches are being emitted.
    pub(super) rule: Rule,
}

impl<'c> Emitter<'c> {
    fn of(context: &'c Context<'c>, block: &'c Block) -> Self {
        Self { context, block, in_closure: false, rule: Rule::All }
    }
    /// Emits statements. After a `let` whose local is not handed over as it is, but gets another value elsewhere, the slot
    /// learns its type: `let mut best = None;` is known by what a later block assigns.
    fn stmts(&mut self, stmts: &[Stmt]) -> Vec<Stmt> {
        let mut emitted = Vec::with_capacity(stmts.len());
        for stmt in stmts {
            let witness = self.witness(stmt);
            let mut stmt = stmt.clone();
            self.visit_stmt_mut(&mut stmt);
            emitted.push(stmt);
            emitted.extend(witness);
        }
        emitted
    }

    fn witness(&self, stmt: &Stmt) -> Option<Stmt> {
        let Stmt::Local(Local { pat: Pat::Ident(name), init: Some(_), .. }) = stmt else { return None };
        let var = Var::of(&name.ident)?;
        if !self.context.crosses(var) || self.context.program.vars.get(var).alias.is_some() || self.in_closure
        {
            return None;
        }
        let (slot, local) = (self.context.names.slot(var), self.context.names.declared(var));
        Some(syn::parse_quote!(#slot.see(&#local);))
    }

    fn marker(&self, marker: Marker) -> TokenStream {
        match marker {
            Marker::Goto(target) => self.goto(target),
            Marker::Suspend(id) => self.suspend(id),
            Marker::Outcome(AwaitId(id)) => outcome(&self.context.program.awaits[id]),
            Marker::Start(id) => self.start(id),
        }
    }

    // Output: `{ slot_held.put(held); block = 3; continue 'dispatch }`
    fn goto(&self, target: BlockId) -> TokenStream {
        let puts = self.context.liveness.handed_over(&self.context.program.vars, self.block.id, target);
        let puts = puts.into_iter().map(|var| self.put(var));
        let (block, number) = (own("block"), number(target));
        quote!({ #(#puts)* #block = #number; continue 'dispatch })
    }

    /// Puts a local that the block holds into its slot.
    fn put(&self, var: Var) -> TokenStream {
        let (slot, local) = (self.context.names.slot(var), self.held(var));
        if self.changes(var) { quote!(#slot.put_changed(#local);) } else { quote!(#slot.put(#local);) }
    }

    /// Whether the code of this block may change a local: it binds it, or mentions it and may write it.
    fn changes(&self, var: Var) -> bool {
        let frame = self.context.liveness.frame(self.block.id);
        let info = self.context.program.vars.get(var);
        let is_taken = frame.taken.contains(var) && !frame.declared.contains(var);
        if self.is_part(var) && !is_taken {
            return true;
        }
        let is_read_only = !(info.mutable || info.deferred) || self.block.frozen.contains(var);
        !(is_taken && is_read_only)
    }

    // Output: `{ let call = charge(order); slot_held.put(held); break 'dispatch CheckoutCall::Charge(call) }`
    fn suspend(&self, AwaitId(id): AwaitId) -> TokenStream {
        let call = self.call(&self.context.program.awaits[id]);
        let State { name, fields } = &self.context.layout.states[id];
        let puts =
            fields.iter().map(|field| field.var).filter(|&var| self.holds(var)).map(|var| self.put(var));
        let (call_name, call_type) = (own("call"), Types::of(self.context).call);
        quote!({ #call #(#puts)* break 'dispatch #call_type::#name(#call_name) })
    }

    /// `let call = charge(order);`
    fn call(&self, awaited: &Await) -> TokenStream {
        let mut call = awaited.call.clone();
        Emitter::of(self.context, self.block).visit_expr_mut(&mut call);
        let (ty, name) = (&awaited.ty, own("call"));
        if Form::of_call(&awaited.call).is_some() {
            quote_spanned!(awaited.span=> let #name = #call;)
        } else {
            quote_spanned!(awaited.span=> let #name = ::refluxo::__private::call::<(#ty), _>(#call);)
        }
    }

    /// Whether a local stands for a field.
    fn is_part(&self, var: Var) -> bool {
        self.context.program.vars.whole(var).is_some()
    }

    fn holds(&self, var: Var) -> bool {
        self.context.liveness.holds(&self.context.program.vars, self.block.id, var)
    }

    /// A local that this block holds: its variable, or a field of the whole.
    pub(super) fn held(&self, var: Var) -> TokenStream {
        let info = self.context.program.vars.get(var);
        match &info.part_of {
            Some((whole, fields)) if self.context.liveness.frame(self.block.id).holds(*whole) => {
                let whole = self.context.names.declared(*whole);
                quote!(#whole #(.#fields)*)
            }
            _ => self.context.names.declared(var).to_token_stream(),
        }
    }

    fn rename(&self, ident: &mut Ident) {
        if let Some(var) = Var::of(ident) {
            *ident = self.context.names.local(var, ident.span());
        }
    }

    /// `return value` ends the workflow, or a branch of it.
    fn returned(&mut self, returned: &mut ExprReturn) -> TokenStream {
        let value = returned.expr.take().map_or_else(
            || quote!(()),
            |mut value| {
                self.visit_expr_mut(&mut value);
                quote!(#value)
            },
        );
        let done = self.context.done(self.block.owner, &value);
        quote!(return #done)
    }
}

impl VisitMut for Emitter<'_> {
    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts = self.stmts(&block.stmts);
    }

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        match stmt {
            Stmt::Macro(mac) if Marker::of(&mac.mac).is_some() => {
                if let Some(marker) = Marker::of(&mac.mac) {
                    *stmt = Stmt::Expr(Expr::Verbatim(self.marker(marker)), mac.semi_token);
                }
            }
            _ => visit_mut::visit_stmt_mut(self, stmt),
        }
    }

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Macro(mac) if Marker::of(&mac.mac).is_some() => {
                if let Some(marker) = Marker::of(&mac.mac) {
                    *expr = Expr::Verbatim(self.marker(marker));
                }
            }
            Expr::Path(path)
                if path.path.get_ident().and_then(Var::of).is_some_and(|var| self.is_part(var)) =>
            {
                if let Some(var) = path.path.get_ident().and_then(Var::of) {
                    *expr = Expr::Verbatim(self.held(var));
                }
            }
            Expr::Call(_) if Form::of_call(expr).is_some() => {
                if let Some((form, call)) = Form::of_call(expr) {
                    *expr = Expr::Verbatim(self.form(form, call));
                }
            }
            Expr::Return(returned) if !self.in_closure => *expr = Expr::Verbatim(self.returned(returned)),
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        let outer = std::mem::replace(&mut self.in_closure, true);
        visit_mut::visit_expr_closure_mut(self, closure);
        self.in_closure = outer;
    }

    fn visit_expr_async_mut(&mut self, block: &mut syn::ExprAsync) {
        let outer = std::mem::replace(&mut self.in_closure, true);
        visit_mut::visit_expr_async_mut(self, block);
        self.in_closure = outer;
    }

    fn visit_ident_mut(&mut self, ident: &mut Ident) {
        self.rename(ident);
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        let Some(mut arguments) = Arguments::of(mac) else {
            // Of a foreign macro nothing is known but its tokens.
            mac.tokens = with_idents(std::mem::take(&mut mac.tokens), &mut |ident| self.rename(ident));
            return;
        };
        for argument in &mut arguments.args {
            self.visit_expr_mut(&mut argument.expr);
        }
        if let Some((pattern, guard)) = &mut arguments.matched {
            self.visit_pat_mut(pattern);
            if let Some(guard) = guard {
                self.visit_expr_mut(guard);
            }
        }
        mac.tokens = arguments.tokens();
    }

    fn visit_attributes_mut(&mut self, attrs: &mut Vec<Attribute>) {
        attrs.retain(|attr| !marker::is_mentions(attr));
    }

    /// Items can't use locals.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}
