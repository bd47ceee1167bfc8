//! Awaited forms: what they wait for, and how their operands are evaluated.

use proc_macro2::Span;
use syn::{
    Expr, ExprCall, ExprPath, Ident, Path, Type, parse_quote,
    spanned::Spanned,
    visit::{self, Visit},
};

use super::{Lowerer, Wait, spill::Mode};
use crate::ir::{
    BranchKind, Kind, Rule,
    form::Form,
    marker::{Marker, private},
    place::bare,
};

impl Lowerer {
    /// Lowers `FORM.await`: a state of the machine. The arguments of all calls in it are evaluated as one list; the calls themselves are
    /// not, since nothing happens before the form is awaited.
    pub(super) fn form(&mut self, mut form: Expr, span: Span) -> Expr {
        let name = self.state_name.take();
        let mut places = Vec::new();
        operands(&mut form, &mut places);
        let values = places.iter().map(|place| ((**place).clone(), Mode::Value)).collect();
        let values = self.operands(values);
        places.into_iter().zip(values).for_each(|(place, value)| *place = value);
        self.state_name = name;
        let id = self.reserve();
        self.blocks_in(&mut form);
        self.items_of(&mut form);
        let wait = self.wait(form);
        self.suspend_at(id, wait, span)
    }

    /// Lowers what a `join_all!` does for its items, in which nothing is awaited.
    fn items_of(&mut self, form: &mut Expr) {
        let Expr::Call(ExprCall { func, args, .. }) = form else { return };
        match form_of(func) {
            Some(Form::JoinAll) => args.iter_mut().for_each(|arg| self.within(arg)),
            Some(Form::Timeout) => args.iter_mut().take(1).for_each(|operand| self.items_of(operand)),
            _ => {}
        }
    }

    /// What the state waits for.
    fn wait(&self, call: Expr) -> Wait {
        let mut parts = Parts { machine: &self.machine, paths: Vec::new(), branches: Vec::new() };
        let ty = parts.awaited(&call);
        let Parts { paths, mut branches, .. } = parts;
        let kind = match (group(&call), branches.pop()) {
            (Some(Form::JoinAll), Some(item)) => Kind::All { item },
            (Some(form), Some(last)) => {
                branches.push(last);
                Kind::Group { rule: rule(form), branches }
            }
            (_, _) => Kind::Call,
        };
        Wait { ty, paths, kind, call }
    }
}

/// What a form is made of, collected while its type is told. A call's type stands in parentheses, or rustc would tell of a function that is not a type a
/// second time, in other words.
struct Parts<'l> {
    machine: &'l Ident,
    paths: Vec<Path>,
    branches: Vec<BranchKind>,
}

impl Parts<'_> {
    /// The type of what is awaited.
    fn awaited(&mut self, operand: &Expr) -> Type {
        let Some((form, call)) = Form::of_call(bare(operand)) else { return self.leaf(operand) };
        let span = call.func.span();
        let mut args = call.args.iter();
        let mut of_first = |name: &str| {
            let (name, ty) = (private(name, span), args.next().map(|operand| self.awaited(operand)));
            parse_quote!(#name<(#ty)>)
        };
        match form {
            Form::Timeout => of_first("Timeout"),
            Form::Spawn => of_first("spawn"),
            Form::Join => self.group("Join", "Kept", call),
            Form::TryJoin => self.group("TryJoin", "Fallible", call),
            Form::Select => self.group("Select", "One", call),
            Form::JoinAll => {
                let (name, item) = (private("JoinAll", span), call.args.first().and_then(item));
                let item = item.map(|item| self.branch("Kept", &item));
                parse_quote!(#name<#item>)
            }
            // They are not awaited.
            Form::Branch | Form::Undo => parse_quote!(()),
        }
    }

    /// The type of a call is what it calls.
    fn leaf(&mut self, operand: &Expr) -> Type {
        let Expr::Call(call) = bare(operand) else { return parse_quote!(()) };
        let Expr::Path(ExprPath { path, .. }) = &*call.func else { return parse_quote!(()) };
        self.paths.push(path.clone());
        parse_quote!(#path)
    }

    /// `Join<(Kept<charge>, Block<Checkout>,)>`
    fn group(&mut self, group: &str, leaf: &str, call: &ExprCall) -> Type {
        let group = private(group, call.func.span());
        let branches: Vec<Type> = call.args.iter().map(|branch| self.branch(leaf, branch)).collect();
        parse_quote!(#group<(#(#branches,)*)>)
    }

    /// `Kept<charge>` or `Block<Checkout>`
    fn branch(&mut self, leaf: &str, branch: &Expr) -> Type {
        let Some((Form::Branch, call)) = Form::of_call(branch) else { return parse_quote!(()) };
        let Some(inner) = call.args.first() else { return parse_quote!(()) };
        let span = call.func.span();
        if let Expr::Macro(mac) = inner
            && let Some(Marker::Start(id)) = Marker::of(&mac.mac)
        {
            self.branches.push(BranchKind::Block(id));
            let (block, machine) = (private("Block", span), self.machine);
            return parse_quote!(#block<#machine>);
        }
        let (leaf, ty) = (private(leaf, span), self.awaited(inner));
        self.branches.push(BranchKind::Call(Box::new(ty.clone())));
        parse_quote!(#leaf<(#ty)>)
    }
}

/// The branch that `join_all!` makes of an item.
fn item(items: &Expr) -> Option<Expr> {
    struct Finder(Option<Expr>);

    impl<'a> Visit<'a> for Finder {
        fn visit_expr(&mut self, expr: &'a Expr) {
            match Form::of_call(expr) {
                Some((Form::Branch, _)) => self.0 = Some(expr.clone()),
                _ => visit::visit_expr(self, expr),
            }
        }
    }

    let mut finder = Finder(None);
    finder.visit_expr(items);
    finder.0
}

/// When a form is over.
fn rule(form: Form) -> Rule {
    match form {
        Form::TryJoin => Rule::Try,
        Form::Select => Rule::Any,
        Form::Join | Form::JoinAll | Form::Branch | Form::Spawn | Form::Timeout | Form::Undo => Rule::All,
    }
}

/// The expressions of a form that are evaluated before it is awaited, in their order.
fn operands<'e>(expr: &'e mut Expr, found: &mut Vec<&'e mut Expr>) {
    match expr {
        Expr::Paren(paren) => operands(&mut paren.expr, found),
        Expr::Call(ExprCall { func, args, .. }) => match form_of(func) {
            None | Some(Form::JoinAll) => found.extend(args),
            Some(Form::Timeout) => {
                let mut args = args.iter_mut();
                args.by_ref().take(1).for_each(|operand| operands(operand, found));
                found.extend(args);
            }
            Some(_) => args.iter_mut().for_each(|operand| operands(operand, found)),
        },
        _ => {}
    }
}

/// The form that is called.
fn form_of(func: &Expr) -> Option<Form> {
    match func {
        Expr::Path(ExprPath { path, .. }) => Form::of(path),
        _ => None,
    }
}

/// The form of several branches that is awaited.
fn group(operand: &Expr) -> Option<Form> {
    match Form::of_call(operand) {
        Some((Form::Timeout, call)) => group(call.args.first()?),
        Some((form @ (Form::Join | Form::TryJoin | Form::JoinAll | Form::Select), _)) => Some(form),
        Some((Form::Branch | Form::Spawn | Form::Undo, _)) | None => None,
    }
}
