//! The machines of a run that was loaded.

use super::{
    index,
    node::{Member, Node, Waits},
};
use crate::{
    core::Calls,
    engine::{
        AnyMachine,
        reason::{contradiction, raw, unreadable},
        registry::Kind,
    },
    snapshot::{
        ParkReason, Path, StateReader,
        parts::{BranchRecord, Reserved},
    },
    suspend::ReadOutcome,
};

/// What is stored of a run's branches.
pub(super) struct Stored<'a> {
    pub(super) calls: &'a Calls,
    pub(super) reserved: &'a Reserved,
    pub(super) kind: &'a Kind,
}

impl Stored<'_> {
    /// The node of a machine, with the branches that were stored below it.
    pub(super) fn node(&self, path: &Path, machine: Box<dyn AnyMachine>) -> Result<Node, ParkReason> {
        let mut node = Node::Still(machine);
        if self.calls.group(path).is_some()
            && let Waits::Group(group) = &mut node.begin(path, self.calls)?.waits
        {
            for (number, member) in (0..).zip(&mut group.members) {
                if number < group.started {
                    *member = self.member(&path.child(number), &group.read, member)?;
                    group.open -= u32::from(matches!(member, Member::Ended(_)));
                }
            }
        }
        Ok(node)
    }

    /// A started branch, which was at its first state in memory.
    fn member(&self, path: &Path, read: &[ReadOutcome], first: &mut Member) -> Result<Member, ParkReason> {
        if let Some(output) = self.reserved.outputs.get(path) {
            let number = path.number().map_or(0, index);
            let read = read.get(number).or_else(|| read.first()).ok_or_else(|| contradiction(path))?;
            return read(raw(output)?).map(Member::Ended).map_err(|error| unreadable(&error));
        }
        let machine = match self.reserved.branches.get(path) {
            Some(BranchRecord { call, fields: Some(fields) }) => {
                let at = call.at.as_deref().unwrap_or_default();
                StateReader::new(at, fields, std::iter::empty())
                    .and_then(|reader| self.kind.decode(at, reader))
                    .map_err(|error| unreadable(&error))?
            }
            Some(BranchRecord { fields: None, .. }) | None => {
                match std::mem::replace(first, Member::Open(Node::Gone)) {
                    Member::Open(Node::Still(machine)) => machine,
                    Member::Open(Node::Begun(_) | Node::Gone) | Member::Ended(_) => {
                        return Err(contradiction(path));
                    }
                }
            }
        };
        self.node(path, machine).map(Member::Open)
    }
}
