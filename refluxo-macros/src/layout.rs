//! The shape of the snapshot: which states there are, what they are called and which fields they save.
//!
//! There is one state for `Start`, whose fields are the parameters, and one for each await, whose fields are its call and the
//! locals that are live after it. A state is called after its call: `charge` is `Charge`, the signal `Approval` is `Approval`;
//! a second await of one call is `Charge2`, and `#[state(Name)]` says another name. A field is called after its local; where
//! two saved locals share a name, the later one gets a number. A local has one field name in all states.
//!
//! A field is *stable* if its local can't change from one state to the next: an immutable binding, or one that a surrounding
//! loop borrows. The store may keep it apart and write it once.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::Span;
use syn::{GenericArgument, Ident, Item, Path, PathArguments, Type, visit::Visit};

use crate::{
    diag::Errors,
    ir::{Await, AwaitId, Kind, Program, Rule, Var, VarTable},
    liveness::Liveness,
    messages::Message,
};

/// The shape of a workflow's snapshot.
pub(crate) struct Layout {
    /// The fields of `Start`.
    pub(crate) start: Vec<Field>,
    /// The state of each await.
    pub(crate) states: Vec<State>,
    /// The locals that some state saves, and whether their type is written there.
    pub(crate) saved: BTreeMap<Var, Saved>,
    /// The fields of all states, in the order of the source: one for each local that some state saves.
    pub(crate) all: Vec<Field>,
}

/// A state that waits for a call.
pub(crate) struct State {
    /// The variant.
    pub(crate) name: Ident,
    /// The locals beside the call, in the order of the source.
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
        let states: Vec<Vec<Var>> = program.awaits.iter().map(|state| liveness.saved(vars, state)).collect();
        let all: BTreeSet<Var> = program.params.iter().chain(states.iter().flatten()).copied().collect();
        let idents = field_names(vars, &all);
        let local_types = local_types(&program.items);
        let saved = all.iter().map(|&var| (var, saved(vars, var, &local_types))).collect();
        let names = state_names(errors, program);
        let numbers: BTreeMap<Var, usize> = all.iter().copied().zip(0..).collect();
        let field = |var: Var, stable: bool| Field {
            var,
            ident: idents[&var].clone(),
            number: numbers[&var],
            stable,
        };
        let start = program.params.iter().map(|&var| field(var, true)).collect();
        let states = program
            .awaits
            .iter()
            .zip(states)
            .zip(names)
            .map(|((state, saved), name)| State {
                name,
                fields: saved
                    .into_iter()
                    .map(|var| {
                        let info = vars.get(var);
                        field(var, state.frozen.contains(var) || !(info.mutable || info.deferred))
                    })
                    .collect(),
            })
            .collect();
        let all = all.iter().map(|&var| field(var, false)).collect();
        Self { start, states, saved, all }
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

/// A name for each saved local; `call` is taken.
fn field_names(vars: &VarTable, saved: &BTreeSet<Var>) -> BTreeMap<Var, Ident> {
    let mut taken = BTreeSet::from(["call".to_owned()]);
    saved
        .iter()
        .map(|&var| {
            let ident = &vars.get(var).ident;
            let text = ident.to_string();
            if taken.insert(text.clone()) {
                return (var, ident.clone());
            }
            let plain = text.trim_start_matches("r#");
            let name = numbered(plain, "_", &mut taken);
            (var, Ident::new(&name, ident.span()))
        })
        .collect()
}

/// A name for each state.
fn state_names(errors: &Errors, program: &Program) -> Vec<Ident> {
    let mut taken = BTreeSet::from(["Start".to_owned()]);
    for state in &program.awaits {
        if let Some(name) = &state.name
            && !taken.insert(name.to_string())
        {
            errors.on(name, &Message::StateNameTaken(name.to_string()));
        }
    }
    program
        .awaits
        .iter()
        .map(|state| {
            state.name.clone().unwrap_or_else(|| {
                let (name, span) = default_name(state);
                let name = if taken.insert(name.clone()) { name } else { numbered(&name, "", &mut taken) };
                Ident::new(&name, span)
            })
        })
        .collect()
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
