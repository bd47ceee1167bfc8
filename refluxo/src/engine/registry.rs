//! The workflows that an engine knows.

use std::{
    any::TypeId,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::value::RawValue;

use super::{AnyMachine, BuildError, MissingResource, WrongTransaction};
use crate::{
    machine::{Description, Machine, Undoing},
    snapshot::{LoadError, StateReader},
    store::Gate,
    suspend::{Resources, TransactionType},
};

/// The workflows that an engine knows, by name.
#[derive(Debug, Default)]
pub struct Registry {
    kinds: BTreeMap<String, Kind>,
    conflicts: Vec<Conflict>,
}

/// What an engine knows of a workflow.
pub(crate) struct Kind {
    type_id: TypeId,
    type_name: &'static str,
    pub(crate) version: u32,
    pub(crate) description: Description,
    /// Whether this engine's worker takes its runs.
    pub(crate) served: bool,
    /// How many of its runs may be worked on at once, by all workers together.
    pub(crate) gate: Gate,
    decode: Decode,
    undo: Undo,
}

/// Which transactions a store has.
#[derive(Clone, Copy)]
pub(crate) struct Transactions<'a> {
    /// The store.
    pub(crate) store: &'a str,
    /// The type of its transactions.
    pub(crate) has: Option<TransactionType>,
}

/// Reads a state of the name and the fields that are given.
type Decode = fn(&str, StateReader<'_>) -> Result<Box<dyn AnyMachine>, LoadError>;

/// Makes the call of an undo entry anew.
type Undo = fn(&str, &RawValue) -> Result<Undoing, LoadError>;

/// Two workflows of one name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the workflow name `{name}` is registered for `{first}` (version {first_version}) and for `{second}` (version \
     {second_version}): give one of them another name with `#[workflow(name = \"…\")]`"
)]
pub struct Conflict {
    /// The name.
    pub name: String,
    /// The type that was registered first.
    pub first: &'static str,
    /// Its version.
    pub first_version: u32,
    /// The type that was registered second.
    pub second: &'static str,
    /// Its version.
    pub second_version: u32,
}

impl Registry {
    /// Adds a workflow and those that it awaits as children.
    pub fn add<M: Machine>(&mut self) {
        if let Some(known) = self.kinds.get(M::NAME) {
            if known.type_id != TypeId::of::<M>() {
                self.conflicts.push(Conflict {
                    name: M::NAME.to_owned(),
                    first: known.type_name,
                    first_version: known.version,
                    second: std::any::type_name::<M>(),
                    second_version: M::VERSION,
                });
            }
            return;
        }
        let mut description = Description::default();
        M::describe(&mut description);
        // Known before its children are added, since a workflow may await itself.
        let children = description.children().to_vec();
        self.kinds.insert(
            M::NAME.to_owned(),
            Kind {
                type_id: TypeId::of::<M>(),
                type_name: std::any::type_name::<M>(),
                version: M::VERSION,
                description,
                served: true,
                gate: Gate::default(),
                decode: decode::<M>,
                undo: M::undo,
            },
        );
        for child in children {
            (child.register)(self);
        }
    }

    /// Leaves the runs of all other workflows to other workers.
    ///
    /// # Errors
    ///
    /// If there is no workflow of one of the names.
    pub(crate) fn serve_only(&mut self, names: &BTreeSet<String>) -> Result<(), BuildError> {
        self.check_names(names.iter())?;
        for (name, kind) in &mut self.kinds {
            kind.served = names.contains(name);
        }
        Ok(())
    }

    /// Limits how many runs of workflows are worked on at once, and how many begin in a time.
    ///
    /// # Errors
    ///
    /// If there is no workflow of one of the names.
    pub(crate) fn limit(&mut self, gates: &BTreeMap<&'static str, Gate>) -> Result<(), BuildError> {
        self.check_names(gates.keys())?;
        for (name, gate) in gates {
            self.kinds.entry((*name).to_owned()).and_modify(|kind| kind.gate = *gate);
        }
        Ok(())
    }

    fn check_names(&self, names: impl Iterator<Item = impl AsRef<str>>) -> Result<(), BuildError> {
        let unknown = names.filter(|name| !self.kinds.contains_key(name.as_ref()));
        let unknown: Vec<String> = unknown.map(|name| name.as_ref().to_owned()).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let registered = self.kinds.keys().cloned().collect();
        Err(BuildError::NotRegistered { workflows: unknown, registered })
    }

    /// Checks that no name is used twice, and that every step that may run here finds its resources and its transaction.
    pub(crate) fn check(&self, resources: &Resources, store: Transactions<'_>) -> Result<(), BuildError> {
        if !self.conflicts.is_empty() {
            return Err(BuildError::Conflicts { conflicts: self.conflicts.clone() });
        }
        let mut missing = Vec::new();
        for (workflow, kind) in self.kinds.iter().filter(|(_, kind)| kind.served) {
            for requirement in kind.description.requirements() {
                let one = MissingResource {
                    workflow: workflow.clone(),
                    step: requirement.step,
                    resource: requirement.resource_name,
                };
                let is_there = resources.has(requirement.resource) || resources.replaces(requirement.step);
                if !is_there && !missing.contains(&one) {
                    missing.push(one);
                }
            }
        }
        if !missing.is_empty() {
            return Err(BuildError::MissingResources { missing });
        }
        let wrong = self.wrong_transactions(resources, store);
        if wrong.is_empty() { Ok(()) } else { Err(BuildError::Transactions { wrong }) }
    }

    /// The steps that write in transactions of another type than the store's.
    fn wrong_transactions(&self, resources: &Resources, store: Transactions<'_>) -> Vec<WrongTransaction> {
        let mut wrong = Vec::new();
        for (workflow, kind) in self.kinds.iter().filter(|(_, kind)| kind.served) {
            for (step, wanted) in kind.description.transactions() {
                let one = WrongTransaction {
                    workflow: workflow.clone(),
                    step,
                    wanted: wanted.name(),
                    store: store.store.to_owned(),
                    found: store.has.map(|found| found.name()),
                };
                let fits = store.has.as_ref() == Some(wanted) || resources.replaces(step);
                if !fits && !wrong.contains(&one) {
                    wrong.push(one);
                }
            }
        }
        wrong
    }

    /// The workflow of this name.
    pub(crate) fn kind(&self, workflow: &str) -> Option<&Kind> {
        self.kinds.get(workflow)
    }

    /// All workflows, by name.
    pub(crate) fn kinds(&self) -> impl ExactSizeIterator<Item = (&str, &Kind)> {
        self.kinds.iter().map(|(name, kind)| (name.as_str(), kind))
    }
}

impl Kind {
    /// Whether this is the workflow's type.
    pub(crate) fn is<M: Machine>(&self) -> bool {
        self.type_id == TypeId::of::<M>()
    }

    /// Reads a state of the workflow.
    pub(crate) fn decode(&self, at: &str, reader: StateReader<'_>) -> Result<Box<dyn AnyMachine>, LoadError> {
        (self.decode)(at, reader)
    }

    /// Makes the call of an undo entry anew.
    pub(crate) fn undo(&self, name: &str, call: &RawValue) -> Result<Undoing, LoadError> {
        (self.undo)(name, call)
    }
}

/// Reads a state of the workflow `M`.
fn decode<M: Machine>(at: &str, reader: StateReader<'_>) -> Result<Box<dyn AnyMachine>, LoadError> {
    M::decode(at, reader).map(|machine| Box::new(machine) as Box<dyn AnyMachine>)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (version {})", self.type_name, self.version)
    }
}
