//! The shape of the snapshot: which states there are, what they are called and which fields they save.
//!
//! There is one state for `Start`, whose fields are the parameters, and one for each await, whose fields are its call and the
//! locals that are live after it. A state is called after its call: `charge` is `Charge`, the signal `Approval` is `Approval`, `join!` is
//! `Join`; a second await of one call is `Charge2`, and `#[state(Name)]` says another name. A field is called after its local; where
//! two saved locals share a name, the later one gets a number. A local has one field name in all states.
//!
//! An `async move` block that is a branch of a join is a machine of its own with states in the same enum: one for each of its awaits, and a
//! first one, `JoinBranch2`, whose fields are what it takes from around it.
//!
//! A field is *stable* if its local can't change from one state to the next: an immutable binding, or one that a surrounding
//! loop borrows. The store may keep it apart and write it once.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::{GenericArgument, Ident, Item, Path, PathArguments, Type, visit::Visit};

use crate::{
    diag::Errors,
    ir::{Await, AwaitId, BranchId, Kind, Program, Rule, Var, VarTable},
    liveness::Liveness,
    messages::Message,
};

/// The name of a workflow's first state.
const START: &str = "Start";

/// The shape of a workflow's snapshot.
pub(crate) struct Layout {
    /// The states that wait for nothing: `Start`, whose fields are the parameters, and the first state of each branch that is a block.
    pub(crate) starts: Vec<State>,
    /// The state of each await.
    pub(crate) states: Vec<State>,
    /// The locals that some state saves, and whether their type is written there.
    pub(crate) saved: BTreeMap<Var, Saved>,
    /// The fields of all states, in the order of the source: one for each local that some state saves.
    pub(crate) all: Vec<Field>,
}

/// A state.
pub(crate) struct State {
    /// The variant.
    pub(crate) name: Ident,
    /// The locals, beside the call if there is one, in the order of the source.
    pub(crate) fields: Vec<Field>,
}

/// A field of a state.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) var: Var,
    /// The field of the variant.
    pub(crate) ident: Ident,
    /// Its place among the fields of all states.
    pub(crate) number: usize,
    /// Whether it can't change from one state to the next.
    pub(crate) stable: bool,
}

/// How a saved local is typed.
pub(crate) enum Saved {
    /// The field has this type.
    As(Box<Type>),
    /// The field is a `Local`.
    Inferred,
}

impl Layout {
    /// Decides the shape.
    pub(crate) fn of(errors: &Errors, program: &Program, liveness: &Liveness) -> Self {
        let vars = &program.vars;
        let waiting = program.awaits.iter().map(|state| (state.owner, liveness.saved(vars, state.resume)));
        let waiting: Vec<(Owner, Vec<Var>)> = waiting.collect();
        let branches = program.branches.iter().enumerate();
        let branches =
            branches.map(|(number, branch)| (Some(BranchId(number)), liveness.saved(vars, branch.entry)));
        let starting: Vec<(Owner, Vec<Var>)> =
            [(None, program.params.clone())].into_iter().chain(branches).collect();
        let idents = field_names(vars, starting.iter().chain(&waiting));
        let local_types = local_types(&program.items);
        let saved = idents.keys().map(|&var| (var, saved(vars, var, &local_types))).collect();
        let numbers: BTreeMap<Var, usize> = idents.keys().copied().zip(0..).collect();
        let field = |var: Var, stable: bool| Field {
            var,
            ident: idents[&var].clone(),
            number: numbers[&var],
            stable,
        };
        let names = state_names(errors, program);
        let firsts = first_names(program, &names);
        let starts = [Ident::new(START, Span::call_site())].into_iter().chain(firsts).zip(&starting);
        let starts = starts.map(|(name, (_, saved))| State {
            name,
            fields: saved.iter().map(|&var| field(var, true)).collect(),
        });
        let starts = starts.collect();
        let states = program.awaits.iter().zip(waiting).zip(names).map(|((state, (_, saved)), name)| {
            let is_stable = |var: Var| {
                let info = vars.get(var);
                state.frozen.contains(var) || !(info.mutable || info.deferred)
            };
            State { name, fields: saved.into_iter().map(|var| field(var, is_stable(var))).collect() }
        });
        let states = states.collect();
        let all = idents.keys().map(|&var| field(var, false)).collect();
        Self { starts, states, saved, all }
    }

    /// `Start`.
    pub(crate) fn start(&self) -> &State {
        &self.starts[0]
    }

    /// The first state of a branch.
    pub(crate) fn first(&self, BranchId(number): BranchId) -> &State {
        &self.starts[number + 1]
    }

    /// The state of an await.
    pub(crate) fn state(&self, AwaitId(number): AwaitId) -> &State {
        &self.states[number]
    }
}

/// The name of a field in JSON: without `r#`.
pub(crate) fn json_name(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// The branch to whose machine a state belongs; none for the workflow's own.
type Owner = Option<BranchId>;

/// A name for each local that some state saves; `call` is taken. Locals of several branches may share one, since no state has both.
fn field_names<'s>(
    vars: &VarTable,
    states: impl Iterator<Item = &'s (Owner, Vec<Var>)>,
) -> BTreeMap<Var, Ident> {
    let saved: BTreeMap<Var, Owner> =
        states.flat_map(|(owner, vars)| vars.iter().map(|&var| (var, *owner))).collect();
    let mut taken: BTreeMap<Owner, BTreeSet<String>> = BTreeMap::new();
    saved
        .into_iter()
        .map(|(var, owner)| {
            let taken = taken.entry(owner).or_insert_with(|| BTreeSet::from(["call".to_owned()]));
            let ident = &vars.get(var).ident;
            let text = ident.to_string();
            if taken.insert(text.clone()) {
                return (var, ident.clone());
            }
            let plain = text.trim_start_matches("r#");
            let name = numbered(plain, "_", taken);
            (var, Ident::new(&name, ident.span()))
        })
        .collect()
}

/// A name for each state that waits.
fn state_names(errors: &Errors, program: &Program) -> Vec<Ident> {
    let mut taken = BTreeSet::from([START.to_owned()]);
    let branches = program.branches.iter().filter_map(|branch| branch.name.as_ref());
    for name in program.awaits.iter().filter_map(|state| state.name.as_ref()).chain(branches) {
        if !taken.insert(name.to_string()) {
            errors.on(name, &Message::StateNameTaken(name.to_string()));
        }
    }
    let named = program.awaits.iter().map(|state| {
        state.name.clone().unwrap_or_else(|| {
            let (name, span) = default_name(state);
            let name = if taken.insert(name.clone()) { name } else { numbered(&name, "", &mut taken) };
            Ident::new(&name, span)
        })
    });
    named.collect()
}

/// A name for the first state of each branch: `JoinBranch2`, or `JoinAllItem`.
fn first_names(program: &Program, states: &[Ident]) -> Vec<Ident> {
    let mut taken: BTreeSet<String> = states.iter().map(Ident::to_string).collect();
    taken.insert(START.to_owned());
    taken.extend(program.branches.iter().filter_map(|branch| branch.name.as_ref()).map(Ident::to_string));
    let mut names: BTreeMap<BranchId, Ident> = BTreeMap::new();
    for (state, awaited) in states.iter().zip(&program.awaits) {
        for (number, id) in awaited.kind.blocks() {
            let branch = program.branch(id);
            let name = branch.name.clone().unwrap_or_else(|| {
                let name = match awaited.kind {
                    Kind::All { .. } => format!("{state}Item"),
                    Kind::Call | Kind::Group { .. } => format!("{state}Branch{}", number + 1),
                };
                let name = if taken.insert(name.clone()) { name } else { numbered(&name, "_", &mut taken) };
                Ident::new(&name, branch.span)
            });
            names.insert(id, name);
        }
    }
    names.into_values().collect()
}

/// What a state is called that has no name of its own.
fn default_name(state: &Await) -> (String, Span) {
    let form = match &state.kind {
        Kind::Call => {
            return state.paths.first().map_or_else(|| ("Call".to_owned(), state.span), call_name);
        }
        Kind::Group { rule: Rule::All, .. } => "Join",
        Kind::Group { rule: Rule::Try, .. } => "TryJoin",
        Kind::Group { rule: Rule::Any, .. } => "Select",
        Kind::All { .. } => "JoinAll",
    };
    (form.to_owned(), state.span)
}

/// What a call is called in `UpperCamelCase`: the step, or the signal's type.
fn call_name(path: &Path) -> (String, Span) {
    let Some(last) = path.segments.last() else { return ("Call".to_owned(), Span::call_site()) };
    if last.ident == "signal"
        && let PathArguments::AngleBracketed(args) = &last.arguments
        && let Some(GenericArgument::Type(Type::Path(ty))) = args.args.first()
        && let Some(signal) = ty.path.segments.last()
    {
        return (camel(&signal.ident.to_string()), last.ident.span());
    }
    (camel(&last.ident.to_string()), last.ident.span())
}

/// `send_mail` → `SendMail`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for word in name.trim_start_matches("r#").split('_').filter(|word| !word.is_empty()) {
        // `step_2_1` keeps its numbers apart.
        if camel.ends_with(|last: char| last.is_ascii_digit())
            && word.starts_with(|first: char| first.is_ascii_digit())
        {
            camel.push('_');
        }
        let mut chars = word.chars();
        camel.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        camel.push_str(chars.as_str());
    }
    camel
}

/// The first of `name2`, `name3`, … with the separator before the number that is free.
pub(crate) fn numbered(name: &str, separator: &str, taken: &mut BTreeSet<String>) -> String {
    let mut number = 2_usize;
    loop {
        let numbered = format!("{name}{separator}{number}");
        if taken.insert(numbered.clone()) {
            return numbered;
        }
        number += 1;
    }
}

fn saved(vars: &VarTable, var: Var, local_types: &[String]) -> Saved {
    match &vars.get(var).ty {
        Some(ty) if is_writable(ty, local_types) => Saved::As(Box::new(ty.clone())),
        _ => Saved::Inferred,
    }
}

/// Whether a type can be written outside the function: nothing is inferred, borrowed or declared inside.
fn is_writable(ty: &Type, local_types: &[String]) -> bool {
    struct Check<'a>(&'a [String], bool);

    impl<'a> Visit<'a> for Check<'_> {
        fn visit_type(&mut self, ty: &'a Type) {
            self.1 &= !matches!(
                ty,
                Type::Infer(_)
                    | Type::Reference(_)
                    | Type::ImplTrait(_)
                    | Type::Never(_)
                    | Type::Macro(_)
                    | Type::Ptr(_)
            );
            syn::visit::visit_type(self, ty);
        }

        fn visit_lifetime(&mut self, lifetime: &'a syn::Lifetime) {
            self.1 &= lifetime.ident == "static";
        }

        fn visit_path(&mut self, path: &'a Path) {
            let local =
                path.segments.first().is_some_and(|first| self.0.iter().any(|name| first.ident == name));
            self.1 &= !local;
            syn::visit::visit_path(self, path);
        }
    }

    let mut check = Check(local_types, true);
    check.visit_type(ty);
    check.1
}

/// The names that the body's own items declare.
fn local_types(items: &[Item]) -> Vec<String> {
    struct Names(Vec<String>);

    impl<'a> Visit<'a> for Names {
        fn visit_use_name(&mut self, name: &'a syn::UseName) {
            self.0.push(name.ident.to_string());
        }

        fn visit_use_rename(&mut self, name: &'a syn::UseRename) {
            self.0.push(name.rename.to_string());
        }

        fn visit_item(&mut self, item: &'a Item) {
            match item {
                Item::Struct(item) => self.0.push(item.ident.to_string()),
                Item::Enum(item) => self.0.push(item.ident.to_string()),
                Item::Type(item) => self.0.push(item.ident.to_string()),
                Item::Use(item) => syn::visit::visit_use_tree(self, &item.tree),
                _ => {}
            }
        }
    }

    let mut names = Names(Vec::new());
    for item in items {
        names.visit_item(item);
    }
    names.0
}
