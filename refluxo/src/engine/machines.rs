//! The machines of a run that is held: read when they are first needed, so that a run whose state can't be read still heeds an
//! operator.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    AnyMachine,
    patience::Patience,
    reason::{contradiction, unreadable},
    registry::{Kind, Registry},
    shared::Shared,
    tree::Tree,
};
use crate::{
    core::{Calls, Life, Run},
    snapshot::{
        ParkReason, Path, StateReader,
        parts::{BranchRecord, Reserved, UndoEntry, split},
    },
    store::{Depth, Part, Record},
    suspend::Begin,
};

/// The machines of a run that is held.
#[derive(Default)]
pub(crate) struct Machines {
    /// What was read last; taken as soon as the run may have moved on.
    record: Option<Box<Record>>,
    tree: Option<Tree>,
    /// The call that undoes something now.
    undo: Option<Tree>,
    /// The undo stack as it was when it was read; entries on top may have run since.
    stack: Option<Vec<UndoEntry>>,
}

impl Machines {
    /// Those of a run that was claimed.
    pub(crate) fn of_record(record: Record) -> Self {
        Self { record: Some(Box::new(record)), ..Self::default() }
    }

    /// That of a run that was just created.
    pub(crate) fn of_newborn(machine: Box<dyn AnyMachine>) -> Self {
        Self { tree: Some(Tree::new(machine)), ..Self::default() }
    }

    /// The tree, if it was read.
    pub(crate) fn loaded(&mut self) -> Option<&mut Tree> {
        self.tree.as_mut()
    }

    /// The tree.
    pub(crate) async fn tree(&mut self, shared: &Arc<Shared>, run: &Run) -> Result<&mut Tree, ParkReason> {
        match &mut self.tree {
            Some(_) => {}
            place @ None => {
                let record = match self.record.take() {
                    Some(record) => record,
                    None => load(shared, run).await?,
                };
                let stored = Stored::of_record(shared, &record)?;
                let Life::At { calls, .. } = &run.life else { return Err(contradiction(&Path::ROOT)) };
                *place = Some(stored.tree(calls)?);
            }
        }
        self.tree.as_mut().ok_or_else(|| contradiction(&Path::ROOT))
    }

    /// The machines of the calls at these paths, as they were stored.
    pub(crate) async fn at(
        &mut self,
        shared: &Arc<Shared>,
        run: &Run,
        paths: Vec<Path>,
    ) -> Result<Vec<(Path, Box<dyn AnyMachine>)>, ParkReason> {
        let record = match &mut self.record {
            Some(record) => record,
            place @ None => place.insert(load(shared, run).await?),
        };
        Stored::of_record(shared, record)?.at(paths)
    }

    /// The call that undoes what was done last, as a tree of its own.
    pub(crate) async fn undo(&mut self, shared: &Arc<Shared>, run: &Run) -> Result<&mut Tree, ParkReason> {
        let stack = match &mut self.stack {
            Some(stack) => stack,
            place @ None => {
                let record = match self.record.take() {
                    Some(record) => record,
                    None => load(shared, run).await?,
                };
                let (_, reserved) = split(&record.parts).map_err(|error| unreadable(&error))?;
                place.insert(reserved.undo)
            }
        };
        let top = run.undo.len().checked_sub(1).and_then(|top| stack.get(top));
        let entry = top.ok_or_else(|| contradiction(&Path::ROOT))?;
        match &mut self.undo {
            Some(_) => {}
            place @ None => {
                let kind = kind(&shared.registry, &run.identity.workflow, run.version)?;
                *place = Some(undo_tree(kind, entry)?);
            }
        }
        self.undo.as_mut().ok_or_else(|| contradiction(&Path::ROOT))
    }

    /// The call that undoes something, if it was read.
    pub(crate) fn undo_loaded(&mut self) -> Option<&mut Tree> {
        self.undo.as_mut()
    }

    /// Takes the machine of the call out that undoes something.
    pub(crate) fn take_undo(&mut self) -> Option<Box<dyn AnyMachine>> {
        self.undo.take().and_then(Tree::into_still)
    }

    /// Forgets the call that undid something.
    pub(crate) fn forget_undo(&mut self) {
        self.undo = None;
    }
}

/// Machines whose calls are entered anew, with the paths of these.
pub(crate) type Entering = Vec<(Path, Box<dyn AnyMachine>)>;

/// What is stored of a run, as its workflow reads it.
pub(crate) struct Stored<'a> {
    kind: &'a Kind,
    at: &'a str,
    state: &'a [u8],
    fields: Vec<&'a Part>,
    reserved: Reserved,
}

impl<'a> Stored<'a> {
    /// A run of this version of a workflow, with its state and its parts.
    pub(crate) fn read(
        kind: &'a Kind,
        at: &'a str,
        state: &'a [u8],
        parts: &'a [Part],
    ) -> Result<Self, ParkReason> {
        let (fields, reserved) = split(parts).map_err(|error| unreadable(&error))?;
        Ok(Self { kind, at, state, fields, reserved })
    }

    fn of_record(shared: &'a Shared, record: &'a Record) -> Result<Self, ParkReason> {
        let head = &record.row.head;
        let kind = kind(&shared.registry, &record.row.queue, head.version)?;
        Self::read(kind, &head.at, &record.state, &record.parts)
    }
}

impl Stored<'_> {
    /// The machines of all calls.
    pub(crate) fn tree(&self, calls: &Calls) -> Result<Tree, ParkReason> {
        Tree::restore(self.root()?, calls, &self.reserved, self.kind)
    }

    /// The machines of the calls at these paths.
    ///
    /// A group has to be taken apart to give its branches, and is no machine any more then. So it is read once for itself and once
    /// for what is below it: paths of one length don't lie below each other.
    pub(crate) fn at(&self, mut paths: Vec<Path>) -> Result<Entering, ParkReason> {
        let mut machines = Entering::with_capacity(paths.len());
        paths.sort_by_key(|path| path.numbers().len());
        for of_one_length in paths.chunk_by(|one, next| one.numbers().len() == next.numbers().len()) {
            let mut apart = Apart::new();
            for path in of_one_length {
                machines.push((path.clone(), self.machine(path, &mut apart)?));
            }
        }
        Ok(machines)
    }

    /// The machine at the root.
    fn root(&self) -> Result<Box<dyn AnyMachine>, ParkReason> {
        let parts = self.fields.iter().map(|part| (part.name.as_str(), &part.body[..]));
        StateReader::new(self.at, self.state, parts)
            .and_then(|reader| self.kind.decode(self.at, reader))
            .map_err(|error| unreadable(&error))
    }

    /// The machine of the call at this path.
    fn machine(&self, path: &Path, apart: &mut Apart) -> Result<Box<dyn AnyMachine>, ParkReason> {
        let (Some(parent), Some(number)) = (path.parent(), path.number()) else { return self.root() };
        if let Some(BranchRecord { call, fields: Some(fields) }) = self.reserved.branches.get(path) {
            let at = call.at.as_deref().unwrap_or_default();
            return StateReader::new(at, fields, std::iter::empty())
                .and_then(|reader| self.kind.decode(at, reader))
                .map_err(|error| unreadable(&error));
        }
        if !apart.contains_key(&parent) {
            let group = self.machine(&parent, apart)?;
            apart.insert(parent.clone(), branches(group).ok_or_else(|| contradiction(&parent))?);
        }
        let branches = apart.get_mut(&parent);
        branches.and_then(|branches| branches.remove(&number)).ok_or_else(|| contradiction(path))
    }
}

/// The first states of the branches of groups that were taken apart, by their numbers.
type Apart = BTreeMap<Path, BTreeMap<u32, Box<dyn AnyMachine>>>;

/// The first states of the branches of the group that a machine is at.
fn branches(machine: Box<dyn AnyMachine>) -> Option<BTreeMap<u32, Box<dyn AnyMachine>>> {
    let (mut begin, _) = machine.begin();
    if let Begin::Limited(limited) = begin {
        begin = limited.begin;
    }
    let Begin::Group(group) = begin else { return None };
    Some((0..).zip(group.branches).collect())
}

/// The call of an entry of the undo stack, as a tree of its own.
pub(crate) fn undo_tree(kind: &Kind, entry: &UndoEntry) -> Result<Tree, ParkReason> {
    let undoing = entry.call().and_then(|call| kind.undo(&entry.name, &call));
    undoing.map(|undoing| Tree::new(undoing.into_machine())).map_err(|error| unreadable(&error))
}

/// Whether today's code reads a stored run's state and its branches.
pub(crate) fn check(registry: &Registry, record: &Record) -> Result<(), ParkReason> {
    let head = &record.row.head;
    let kind = kind(registry, &record.row.queue, head.version)?;
    let stored = Stored::read(kind, &head.at, &record.state, &record.parts)?;
    let paths = stored.reserved.branches.keys().cloned().collect();
    stored.root()?;
    stored.at(paths).map(drop)
}

/// What today's code knows of a workflow.
pub(crate) fn kind<'a>(registry: &'a Registry, workflow: &str, found: u32) -> Result<&'a Kind, ParkReason> {
    let Some(kind) = registry.kind(workflow) else {
        return Err(ParkReason::Unreadable {
            message: format!("this worker knows no workflow `{workflow}`"),
        });
    };
    if kind.version == found {
        Ok(kind)
    } else {
        Err(ParkReason::OlderVersion { found, known: kind.version })
    }
}

/// Reads a run again, until the store gives it.
async fn load(shared: &Shared, run: &Run) -> Result<Box<Record>, ParkReason> {
    let mut patience = Patience::of_a_run();
    loop {
        match shared.store.load(&run.identity.id, Depth::All).await {
            Ok(answer) => {
                let record = shared.time.note(answer);
                return record.map(Box::new).ok_or_else(|| contradiction(&Path::ROOT));
            }
            Err(error) => {
                tracing::warn!(run = %run.identity.id, %error, "the run was not read; it is tried again");
            }
        }
        patience.pause().await;
    }
}
