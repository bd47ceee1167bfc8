//! Gives every local a name of its own, so that from here on a name is an identity.
//!
//! The basic idea is as follows: the body is walked in the order of evaluation with a stack of scopes. Where a pattern binds
//! a name, the name gets a number; where an expression uses it, the use gets the number of the binding in scope.
//! Uppercase identifiers in patterns are constants or variants. A foreign macro's tokens are renamed blindly: what they
//! mention counts as used.

mod pattern;
mod tokens;

use syn::{
    Arm, Attribute, Block, ExprClosure, ExprForLoop, ExprIf, ExprMatch, ExprWhile, FieldValue, Ident, Item,
    Local, Macro, Member, Pat, parse_quote,
    visit_mut::{self, VisitMut},
};

use crate::{
    ir::{Var, VarInfo, VarTable, marker},
    parse::macros::{self, Argument, Arguments},
};

/// Renames all locals of a body.
pub(crate) struct Resolver {
    vars: VarTable,
    scopes: Vec<Vec<(String, Var)>>,
}

impl Resolver {
    /// A resolver that knows no locals yet.
    pub(crate) fn new() -> Self {
        Self { vars: VarTable::default(), scopes: vec![Vec::new()] }
    }

    /// Brings a parameter into scope.
    pub(crate) fn declare(&mut self, info: VarInfo) -> Var {
        let name = plain(&info.ident);
        let shadows = self.lookup(&name);
        let var = self.vars.add(VarInfo { shadows, ..info });
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((name, var));
        }
        var
    }

    /// Adds a parameter that the body can't name; returns it and the identifier that stands for it.
    pub(crate) fn make(&mut self, info: VarInfo) -> (Var, Ident) {
        let var = self.vars.add(VarInfo { made: true, ..info });
        (var, self.vars.ident(var))
    }

    /// Brings the locals of a parameter's pattern into scope.
    pub(crate) fn bind(&mut self, pattern: &mut Pat) {
        pattern::bind(self, pattern);
    }

    /// Renames the locals of the body.
    pub(crate) fn body(mut self, body: &mut Block) -> VarTable {
        self.visit_block_mut(body);
        self.vars
    }

    /// The local that a name means here.
    fn lookup(&self, name: &str) -> Option<Var> {
        self.scopes
            .iter()
            .rev()
            .flat_map(|scope| scope.iter().rev())
            .find(|(known, _)| known == name)
            .map(|(_, var)| *var)
    }

    /// Runs `visit` in a scope of its own.
    fn scoped(&mut self, visit: impl FnOnce(&mut Self)) {
        self.scopes.push(Vec::new());
        visit(self);
        self.scopes.pop();
    }

    /// Renames a use, if the name is a local.
    fn rename(&self, ident: &Ident) -> Option<Ident> {
        let var = self.lookup(&plain(ident))?;
        Some(self.vars.ident_at(var, ident.span()))
    }

    /// Makes the names that a format string captures arguments of their own: `"{x}"` → `"{x}", x = x`.
    fn spell_captures(&self, arguments: &mut Arguments) {
        let Some(format) = arguments.format_string() else { return };
        for name in macros::captured(&format.value()) {
            let given =
                arguments.args.iter().any(|arg| arg.name.as_ref().is_some_and(|given| *given == name));
            let Some(var) = self.lookup(&name).filter(|_| !given) else { continue };
            let ident = self.vars.ident_at(var, format.span());
            let name = Ident::new(&name, format.span());
            arguments.args.push(Argument { name: Some(name), expr: parse_quote!(#ident) });
        }
    }

    /// Writes the locals that a foreign macro's strings mention into an attribute of our own, which emission removes.
    fn mention(&self, mac: &Macro, attrs: &mut Vec<Attribute>) {
        let mentioned = tokens::mentioned(self, &mac.tokens);
        if Arguments::of(mac).is_none() && !mentioned.is_empty() {
            attrs.push(marker::mentions(&mentioned));
        }
    }

    fn visit_arguments(&mut self, arguments: &mut Arguments) {
        for argument in &mut arguments.args {
            self.visit_expr_mut(&mut argument.expr);
        }
        self.spell_captures(arguments);
        self.scoped(|this| {
            if let Some((pattern, guard)) = &mut arguments.matched {
                pattern::bind(this, pattern);
                if let Some(guard) = guard {
                    this.visit_expr_mut(guard);
                }
            }
        });
    }
}

impl VisitMut for Resolver {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scoped(|this| visit_mut::visit_block_mut(this, block));
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        if let Some(init) = &mut local.init {
            self.visit_expr_mut(&mut init.expr);
            if let Some((_, diverge)) = &mut init.diverge {
                self.visit_expr_mut(diverge);
            }
        }
        let deferred = local.init.is_none();
        for var in pattern::bind(self, &mut local.pat) {
            self.vars.get_mut(var).deferred = deferred;
        }
    }

    fn visit_expr_if_mut(&mut self, branch: &mut ExprIf) {
        self.scoped(|this| {
            this.visit_expr_mut(&mut branch.cond);
            this.visit_block_mut(&mut branch.then_branch);
        });
        if let Some((_, otherwise)) = &mut branch.else_branch {
            self.visit_expr_mut(otherwise);
        }
    }

    fn visit_expr_while_mut(&mut self, repeat: &mut ExprWhile) {
        self.scoped(|this| {
            this.visit_expr_mut(&mut repeat.cond);
            this.visit_block_mut(&mut repeat.body);
        });
    }

    fn visit_expr_let_mut(&mut self, condition: &mut syn::ExprLet) {
        self.visit_expr_mut(&mut condition.expr);
        pattern::bind(self, &mut condition.pat);
    }

    fn visit_expr_for_loop_mut(&mut self, repeat: &mut ExprForLoop) {
        self.visit_expr_mut(&mut repeat.expr);
        self.scoped(|this| {
            pattern::bind(this, &mut repeat.pat);
            this.visit_block_mut(&mut repeat.body);
        });
    }

    fn visit_expr_match_mut(&mut self, choice: &mut ExprMatch) {
        self.visit_expr_mut(&mut choice.expr);
        for arm in &mut choice.arms {
            self.visit_arm_mut(arm);
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.scoped(|this| {
            pattern::bind(this, &mut arm.pat);
            if let Pat::Guard(guarded) = &mut arm.pat {
                this.visit_expr_mut(&mut guarded.guard);
            }
            this.visit_expr_mut(&mut arm.body);
        });
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.scoped(|this| {
            for input in &mut closure.inputs {
                pattern::bind(this, input);
            }
            this.visit_expr_mut(&mut closure.body);
        });
    }

    fn visit_expr_path_mut(&mut self, path: &mut syn::ExprPath) {
        if path.qself.is_some() {
            return;
        }
        if let Some(renamed) = path.path.get_ident().and_then(|ident| self.rename(ident)) {
            path.path = renamed.into();
        }
    }

    fn visit_field_value_mut(&mut self, field: &mut FieldValue) {
        if field.colon_token.is_none() {
            let Member::Named(name) = &field.member else { return };
            if let Some(renamed) = self.rename(name) {
                field.colon_token = Some(syn::Token![:](name.span()));
                field.expr = parse_quote!(#renamed);
            }
        } else {
            self.visit_expr_mut(&mut field.expr);
        }
    }

    fn visit_macro_mut(&mut self, mac: &mut Macro) {
        match Arguments::of(mac) {
            Some(mut arguments) => {
                self.visit_arguments(&mut arguments);
                mac.tokens = arguments.tokens();
            }
            None => mac.tokens = tokens::rename(self, mac.tokens.clone()),
        }
    }

    fn visit_expr_macro_mut(&mut self, expr: &mut syn::ExprMacro) {
        self.mention(&expr.mac, &mut expr.attrs);
        self.visit_macro_mut(&mut expr.mac);
    }

    fn visit_stmt_macro_mut(&mut self, stmt: &mut syn::StmtMacro) {
        self.mention(&stmt.mac, &mut stmt.attrs);
        self.visit_macro_mut(&mut stmt.mac);
    }

    /// Items can't use locals.
    fn visit_item_mut(&mut self, _: &mut Item) {}

    /// Constants can't use locals.
    fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}

    /// Types can't use locals.
    fn visit_type_mut(&mut self, _: &mut syn::Type) {}
}

/// A name without `r#`.
fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

/// Whether an identifier in a pattern is a constant or a variant rather than a binding.
fn is_constant(ident: &Ident) -> bool {
    plain(ident).chars().next().is_some_and(char::is_uppercase)
}
