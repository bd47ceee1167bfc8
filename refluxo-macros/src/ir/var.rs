//! Locals with names of their own.

use proc_macro2::Span;
use syn::{Expr, Ident, Member, Pat, Type};

use super::VarSet;

/// Separates a local's name from its number. Legal in an identifier, and in nobody's code.
const SEPARATOR: char = '·';

/// A local of the workflow: one binding of the source, or one that a pass made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Var(pub(crate) usize);

/// A group of locals that are not saved but bound again on resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AliasId(pub(crate) usize);

/// What is known of a local.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct VarInfo {
    /// The name as the user wrote it.
    pub(crate) ident: Ident,
    /// Whether it may change after its definition.
    pub(crate) mutable: bool,
    /// Whether it is declared without a value.
    pub(crate) deferred: bool,
    /// Its type, where that can be named with certainty.
    pub(crate) ty: Option<Type>,
    /// The binding that takes it again on resume, if it is not saved itself.
    pub(crate) alias: Option<AliasId>,
    /// What it borrows, if its definition is a borrow that can't be taken again.
    pub(crate) borrow: Option<String>,
    /// Whether its value is one of several string literals.
    pub(crate) literal: bool,
    /// Whether the macro made it.
    pub(crate) made: bool,
    /// The local of the same name that it hides.
    pub(crate) shadows: Option<Var>,
    /// The local of which it is a field, if it stands for one.
    pub(crate) part_of: Option<(Var, Vec<Member>)>,
}

/// How locals that are not saved are bound again on resume: `let PATTERN = SOURCE else { unreachable!() };`.
#[derive(Clone, Debug)]
pub(crate) struct Alias {
    /// The pattern, which binds the locals of the group and nothing else.
    pub(crate) pattern: Pat,
    /// The place, or the cursor over a place.
    pub(crate) source: Expr,
    /// The locals that the source mentions.
    pub(crate) roots: VarSet,
}

/// All locals of a workflow.
#[derive(Clone, Debug, Default)]
pub(crate) struct VarTable {
    vars: Vec<VarInfo>,
    aliases: Vec<Alias>,
}

impl Var {
    /// The local that an identifier in lowered code names.
    pub(crate) fn of(ident: &Ident) -> Option<Self> {
        let text = ident.to_string();
        let (_, number) = text.rsplit_once(SEPARATOR)?;
        number.parse().ok().map(Self)
    }
}

impl VarInfo {
    /// A local of the user's.
    pub(crate) fn user(ident: Ident, mutable: bool) -> Self {
        Self {
            ident,
            mutable,
            deferred: false,
            ty: None,
            alias: None,
            borrow: None,
            literal: false,
            made: false,
            shadows: None,
            part_of: None,
        }
    }
}

impl VarTable {
    /// Adds a local.
    pub(crate) fn add(&mut self, info: VarInfo) -> Var {
        self.vars.push(info);
        Var(self.vars.len() - 1)
    }

    /// Adds a local that the macro needs; `name` is what a snapshot shows.
    pub(crate) fn make(&mut self, name: &str, span: Span) -> Var {
        let mut info = VarInfo::user(Ident::new(name, span), false);
        info.made = true;
        self.add(info)
    }

    /// Adds an alias and makes its locals members of it.
    pub(crate) fn add_alias(&mut self, alias: Alias, members: impl IntoIterator<Item = Var>) {
        let id = AliasId(self.aliases.len());
        self.aliases.push(alias);
        for var in members {
            self.vars[var.0].alias = Some(id);
        }
    }

    /// What is known of a local.
    pub(crate) fn get(&self, var: Var) -> &VarInfo {
        &self.vars[var.0]
    }

    /// What is known of a local, to be changed.
    pub(crate) fn get_mut(&mut self, var: Var) -> &mut VarInfo {
        &mut self.vars[var.0]
    }

    /// An alias.
    pub(crate) fn alias(&self, id: AliasId) -> &Alias {
        &self.aliases[id.0]
    }

    /// The local of which another one is a field.
    pub(crate) fn whole(&self, part: Var) -> Option<Var> {
        self.get(part).part_of.as_ref().map(|(whole, _)| *whole)
    }

    /// The locals that stand for fields of a local.
    pub(crate) fn parts(&self, whole: Var) -> impl Iterator<Item = Var> + '_ {
        let parts = self.vars.iter().zip(0..);
        parts
            .filter(move |(info, _)| info.part_of.as_ref().is_some_and(|(of, _)| *of == whole))
            .map(|(_, part)| Var(part))
    }

    /// The identifier that stands for a local in lowered code.
    pub(crate) fn ident(&self, var: Var) -> Ident {
        self.ident_at(var, self.get(var).ident.span())
    }

    /// The identifier that stands for a local in lowered code, at a place of its use.
    pub(crate) fn ident_at(&self, var: Var, span: Span) -> Ident {
        let name = self.get(var).ident.to_string();
        let name = name.strip_prefix("r#").unwrap_or(&name);
        Ident::new(&format!("{name}{SEPARATOR}{}", var.0), span)
    }
}
