//! Calls that are entered anew: those of a run that was copied, and a child that was cancelled.

use super::{Impossible, Plan, Run, draft::Draft, enter::Entering, moves::unsaved, run::Life};
use crate::{
    engine::AnyMachine,
    snapshot::{Call, Path, SaveError, WaitingFor},
    store::Effect,
    suspend::Pending,
    time::Timestamp,
};

/// Calls as they are entered, and the runs that they start.
type EnteredAgain = (Vec<(Path, Call)>, Vec<Effect>);

impl Run {
    /// Enters calls by the machines that make them. Those of a copied run are new calls with new keys; that of a child that was
    /// cancelled is another attempt of the call.
    pub(super) fn enter_again(
        mut self,
        machines: &[(Path, &dyn AnyMachine)],
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        let (calls, effects) = match self.entered_again(machines, now) {
            Ok(Some(entered)) => entered,
            Ok(None) => return Err(self.impossible("its calls were entered")),
            Err(error) => return self.park(&Path::ROOT, unsaved(&error), now),
        };
        let mut draft = Draft { effects, ..Draft::default() };
        for (path, call) in calls {
            self.put_call(&mut draft, &path, &call)?;
            if let Life::At { calls, .. } = &mut self.life {
                calls.insert(path, call);
            }
        }
        if std::mem::take(&mut self.enter) {
            self.imply_again();
        }
        self.seal(draft, now)
    }

    /// The calls as they are entered; nothing if one of them is not there.
    fn entered_again(
        &self,
        machines: &[(Path, &dyn AnyMachine)],
        now: Timestamp,
    ) -> Result<Option<EnteredAgain>, SaveError> {
        let Life::At { calls, .. } = &self.life else { return Ok(None) };
        let revision = self.revision.next();
        let mut entering = Entering::new(&self.identity, revision, now, true);
        let mut entered = Vec::with_capacity(machines.len());
        for (path, machine) in machines {
            let Some(old) = calls.get(path) else { return Ok(None) };
            let (since, attempt) = if self.enter { (revision, 1) } else { (old.entered, old.attempt) };
            let is_at_group = matches!(old.waiting_for, WaitingFor::Group(_));
            if self.enter && !is_at_group && matches!(machine.pending(), Pending::Group(_)) {
                // The run that was copied had ended, so nothing is known of branches.
                entering.enter(path, *machine)?;
                let recorded = entering.calls.drain(..).filter(|opened| opened.recorded);
                entered.extend(recorded.map(|opened| (opened.path, opened.call)));
                continue;
            }
            let mut call = entering.call(path, *machine, since, attempt)?;
            call.at.clone_from(&old.at);
            if let (WaitingFor::Group(new), WaitingFor::Group(old)) =
                (&mut call.waiting_for, &old.waiting_for)
            {
                new.started = old.started;
            }
            entered.push((path.clone(), call));
        }
        Ok(Some((entered, entering.effects)))
    }

    /// Takes the calls that need no record anew from their groups, which have new keys.
    fn imply_again(&mut self) {
        let (uid, reserved) = (self.identity.uid, &self.reserved);
        let Life::At { calls, .. } = &mut self.life else { return };
        calls.retain(|path| reserved.contains(&crate::snapshot::parts::call(path)));
        calls.imply(uid, |path| reserved.contains(&crate::snapshot::parts::output(path)));
    }
}
