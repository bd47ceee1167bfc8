//! How locals are used: whole, or by which of their fields.

use std::collections::BTreeMap;

use syn::{
    BinOp, Block, Expr, ExprAsync, Macro, Member, Pat,
    visit::{self, Visit},
};

use crate::{
    ir::{Var, VarSet, pattern::locals, place::bare},
    liveness::mentions,
    parse::macros::{Arguments, Kind},
};

/// Methods that take their receiver by value.
const CONSUMING: [&str; 12] = [
    "unwrap",
    "expect",
    "unwrap_or",
    "unwrap_or_else",
    "unwrap_or_default",
    "ok_or",
    "ok_or_else",
    "map",
    "map_err",
    "and_then",
    "or_else",
    "filter",
];

/// A path of fields below a local: `customer.name`.
pub(super) type Fields = Vec<Member>;

/// The uses of all locals.
pub(super) struct Uses {
    /// Those that get a new value as a whole.
    assigned: VarSet,
    /// Those whose value is used as a whole.
    whole: VarSet,
    /// The fields of each local that are used, and whether that is where a value is moved, unless it is copied.
    parts: BTreeMap<Var, Vec<(Fields, bool)>>,
    /// Those of which an `async` block uses fields. Where it moves them, it takes these alone.
    captured: VarSet,
    /// Those of which a field may be moved by code, not by its being in a block.
    moved: VarSet,
    /// What the `async` blocks declare in which the code stands that is visited.
    blocks: Vec<VarSet>,
    /// The fields that are no shared pointers.
    plain: Plain,
}

/// Fields of locals that are known to be no shared pointers, so that a block takes what is below them by parts, too.
#[derive(Clone, Default)]
pub(super) struct Plain(Vec<(Var, Fields)>);

impl Plain {
    /// Learns of others. False if all of them were known.
    pub(super) fn extend(&mut self, others: impl Iterator<Item = (Var, Fields)>) -> bool {
        let known = self.0.len();
        for (var, fields) in others {
            if !self.contains(var, &fields) {
                self.0.push((var, fields));
            }
        }
        self.0.len() > known
    }

    fn contains(&self, var: Var, fields: &[Member]) -> bool {
        self.0.iter().any(|(known, path)| *known == var && *path == fields)
    }

    /// How much of a path a block takes that reads what is there: up to the first field that may be a shared pointer.
    fn taken(&self, var: Var, fields: &[Member]) -> usize {
        (1..fields.len()).find(|&end| !self.contains(var, &fields[..end])).unwrap_or(fields.len())
    }
}

impl Uses {
    /// The uses in a body.
    pub(super) fn of(block: &Block, plain: Plain) -> Self {
        let mut uses = Self {
            assigned: VarSet::new(),
            whole: VarSet::new(),
            parts: BTreeMap::new(),
            captured: VarSet::new(),
            moved: VarSet::new(),
            blocks: Vec::new(),
            plain,
        };
        uses.visit_block(block);
        for parts in uses.parts.values_mut() {
            *parts = without_prefixes(std::mem::take(parts));
        }
        uses
    }

    /// The locals of which a field may be moved. One that gets a new value as a whole is among them if it is never used as a
    /// whole: then each of its fields gets one.
    pub(super) fn by_parts(&self) -> impl Iterator<Item = Var> {
        let by_parts = self.parts.iter().filter(|(_, parts)| parts.iter().any(|(_, moved)| *moved));
        by_parts
            .map(|(&var, _)| var)
            .filter(|&var| !(self.assigned.contains(var) && self.whole.contains(var)))
    }

    /// Whether a local gets a new value as a whole.
    pub(super) fn is_assigned(&self, var: Var) -> bool {
        self.assigned.contains(var)
    }

    /// Whether an `async` block uses fields of a local out of which values may be moved. What is only read may as well be taken whole,
    /// and has to be, if it is a shared pointer.
    pub(super) fn is_captured_by_parts(&self, var: Var) -> bool {
        self.captured.contains(var) && self.moved.contains(var)
    }

    /// The fields of a local that are used.
    pub(super) fn fields(&self, var: Var) -> impl Iterator<Item = &Fields> {
        self.parts.get(&var).into_iter().flatten().map(|(fields, _)| fields)
    }

    /// Whether a field may be moved.
    pub(super) fn is_moved(&self, var: Var, fields: &Fields) -> bool {
        self.parts.get(&var).into_iter().flatten().any(|(known, moved)| known == fields && *moved)
    }

    /// Visits an operand that is borrowed or copied.
    fn read(&mut self, expr: &Expr) {
        match field_of_local(expr) {
            Some((var, fields)) => self.part(var, fields, false),
            None => self.visit_expr(bare(expr)),
        }
    }

    /// An `async move` block moves what it reads, or the field above it that may be a shared pointer.
    fn part(&mut self, var: Var, mut fields: Fields, moved: bool) {
        self.moved.extend(moved.then_some(var));
        let is_captured = self.blocks.iter().any(|declared| !declared.contains(var));
        if is_captured {
            self.captured.insert(var);
            if !moved {
                fields.truncate(self.plain.taken(var, &fields));
            }
        }
        self.parts.entry(var).or_default().push((fields, moved || is_captured));
    }

    fn arguments(&mut self, arguments: &Arguments) {
        let reads = matches!(arguments.kind, Kind::Format { .. } | Kind::Assert { .. } | Kind::Matches);
        for argument in &arguments.args {
            if reads { self.read(&argument.expr) } else { self.visit_expr(&argument.expr) }
        }
        if let Some((_, Some(guard))) = &arguments.matched {
            self.visit_expr(guard);
        }
    }
}

impl Visit<'_> for Uses {
    fn visit_expr(&mut self, expr: &Expr) {
        if let Some((var, fields)) = field_of_local(expr) {
            self.part(var, fields, true);
            return;
        }
        match expr {
            Expr::Path(_) => self.whole.extend(local(expr)),
            Expr::Field(field) => self.read(&field.base),
            Expr::Reference(reference) => self.read(&reference.expr),
            Expr::Unary(unary) => self.read(&unary.expr),
            Expr::Cast(cast) => self.read(&cast.expr),
            Expr::MethodCall(call) => {
                let method = call.method.to_string();
                if method.starts_with("into_") || CONSUMING.contains(&method.as_str()) {
                    self.visit_expr(&call.receiver);
                } else {
                    self.read(&call.receiver);
                }
                call.args.iter().for_each(|arg| self.visit_expr(arg));
            }
            Expr::Index(index) => {
                self.read(&index.expr);
                self.read(&index.index);
            }
            Expr::Assign(assign) => {
                match local(&assign.left) {
                    Some(var) => self.assigned.extend([var]),
                    None => self.read(&assign.left),
                }
                self.visit_expr(&assign.right);
            }
            Expr::Binary(binary) => {
                // `String + &str` moves its left operand.
                if matches!(binary.op, BinOp::Add(_)) {
                    self.visit_expr(&binary.left);
                } else {
                    self.read(&binary.left);
                }
                self.read(&binary.right);
            }
            Expr::Range(range) => {
                [&range.start, &range.end].into_iter().flatten().for_each(|end| self.read(end));
            }
            Expr::If(branch) => {
                self.read(&branch.cond);
                self.visit_block(&branch.then_branch);
                if let Some((_, otherwise)) = &branch.else_branch {
                    self.visit_expr(otherwise);
                }
            }
            Expr::Match(choice) if !choice.arms.iter().any(|arm| binds(&arm.pat)) => {
                self.read(&choice.expr);
                choice.arms.iter().for_each(|arm| self.visit_arm(arm));
            }
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_expr_async(&mut self, block: &ExprAsync) {
        self.blocks.push(mentions::of_async(block).1);
        visit::visit_expr_async(self, block);
        self.blocks.pop();
    }

    fn visit_macro(&mut self, mac: &Macro) {
        match Arguments::of(mac) {
            Some(arguments) => self.arguments(&arguments),
            None => mentions::in_tokens(&mac.tokens, &mut self.whole),
        }
    }
}

/// The parts, each once and none below another one.
fn without_prefixes(mut parts: Vec<(Fields, bool)>) -> Vec<(Fields, bool)> {
    parts.sort_by_key(|(fields, _)| fields.len());
    let mut distinct: Vec<(Fields, bool)> = Vec::new();
    for (fields, moved) in parts {
        match distinct.iter_mut().find(|(known, _)| fields.starts_with(known)) {
            Some((_, also)) => *also |= moved,
            None => distinct.push((fields, moved)),
        }
    }
    distinct
}

/// The local that an expression is.
pub(super) fn local(expr: &Expr) -> Option<Var> {
    let Expr::Path(path) = bare(expr) else { return None };
    path.path.get_ident().and_then(Var::of)
}

/// The local and its fields in `local.field.….field`.
pub(super) fn field_of_local(expr: &Expr) -> Option<(Var, Fields)> {
    let Expr::Field(field) = bare(expr) else { return None };
    let (var, mut fields) = match local(&field.base) {
        Some(var) => (var, Vec::new()),
        None => field_of_local(bare(&field.base))?,
    };
    fields.push(field.member.clone());
    Some((var, fields))
}

/// Whether a pattern binds a local by value.
fn binds(pattern: &Pat) -> bool {
    locals(pattern).iter().any(|local| !local.by_ref)
}
