//! One turn of a run: what it does next is performed, and the workflow's code runs up to the next awaits.

use std::{collections::BTreeSet, ops::Bound, sync::Arc, time::Duration};

use bytes::Bytes;

use super::{
    AnyMachine,
    driver::Held,
    mailbox::Rung,
    reason::{contradiction, not_json, raw},
    shared::Shared,
    steps::{Attempt, AttemptEnd, Tried, attempt_in_turn},
    tree::{Arrival, Settled, What},
};
use crate::{
    core::{Again, Calls, Cause, ChildEnd, Event, Identity, Life, Next, Ready, Run, StepRun, Task, retry},
    machine::Outcome,
    snapshot::{Call, GroupCall, ParkReason, Path, WaitingFor},
    store::{Received, Seq},
    suspend::{Rule, StepContext, StepTask, Tether},
    time::Timestamp,
};

/// What a turn led to: to be stored before anything that follows from it is performed.
pub(crate) enum Turn {
    /// Calls had outcomes.
    Settled(Settled),
    /// A message was heeded.
    Told(Seq),
    /// The run can't go on.
    Stuck(Path, ParkReason),
    /// There was nothing to do.
    Looked,
    /// Calls are entered anew.
    Entered(Vec<(Path, Box<dyn AnyMachine>)>),
    /// The steps in flight of a cancelled run are over.
    Swept,
    /// A call that undoes something was made.
    Undone(Cause),
    /// It failed and is made again.
    UndoAgain { run: StepRun, words: Option<String>, again: Again },
    /// It has to be entered.
    UndoEntered(Box<dyn AnyMachine>),
}

impl Turn {
    /// What the core is told.
    pub(crate) fn event(&self) -> Event<'_> {
        match self {
            Self::Settled(settled) => settled.event(),
            Self::Told(seq) => Event::Told(*seq),
            Self::Stuck(path, reason) => Event::Stuck { path: path.clone(), reason: reason.clone() },
            Self::Looked => Event::Looked,
            Self::Entered(machines) => {
                Event::Entered(machines.iter().map(|(path, machine)| (path.clone(), &**machine)).collect())
            }
            Self::Swept => Event::Swept,
            Self::Undone(cause) => Event::Undone(*cause),
            Self::UndoAgain { run, words, again } => {
                Event::UndoAgain { run: *run, words: words.as_deref(), again: *again }
            }
            Self::UndoEntered(machine) => Event::UndoEntered(&**machine),
        }
    }
}

/// Why there is no turn.
pub(crate) enum NoTurn {
    /// The run is in other hands.
    Lost,
    /// The engine shuts down.
    Drained,
}

impl Held {
    /// Performs what the run does next, until there is something to be stored.
    ///
    /// # Cancel safety
    ///
    /// Nothing was stored; what was performed is lost.
    pub(crate) async fn turn(&mut self, shared: &Arc<Shared>) -> Result<Turn, NoTurn> {
        if let Some((path, reason)) = self.hands.stuck.take() {
            return Ok(Turn::Stuck(path, reason));
        }
        let ended = std::mem::take(&mut self.hands.ended);
        if self.is_cancelled() && !ended.is_empty() {
            return Ok(self.attempted(shared, ended));
        }
        loop {
            if self.hands.mailbox.is_lost() {
                self.hands.running.lose_lease();
                return Err(NoTurn::Lost);
            }
            let is_working = shared.is_working();
            let due = match self.run.next(shared.now()) {
                Next::Act(tasks) if is_working => match self.act(shared, tasks).await {
                    Ok(None) => continue,
                    Ok(Some(turn)) => return Ok(turn),
                    Err((path, reason)) => return Ok(Turn::Stuck(path, reason)),
                },
                Next::Act(_) => None,
                Next::Rest(due) => due,
            };
            if self.hands.running.is_empty() {
                // What had been in flight has ended, and nobody could take it in: nothing more will come.
                if is_working && self.is_cancelled() && !self.run.in_flight.is_empty() {
                    return Ok(self.sweep());
                }
                return if is_working { Ok(Turn::Looked) } else { Err(NoTurn::Drained) };
            }
            if let Some(turn) = self.wait(shared, due).await? {
                return Ok(turn);
            }
        }
    }

    /// Performs tasks. `None` if they were but steps, which now run.
    async fn act(
        &mut self,
        shared: &Arc<Shared>,
        tasks: Vec<Task>,
    ) -> Result<Option<Turn>, (Path, ParkReason)> {
        let (mut steps, mut arrivals) = (Vec::new(), Vec::new());
        for task in tasks {
            match task {
                Task::Told(seq) => return Ok(Some(Turn::Told(seq))),
                Task::EndNow => return Ok(Some(self.sweep())),
                Task::Enter(paths) => return self.enter(shared, paths).await.map(Some).map_err(at_root),
                Task::Undo { ready, at } => return self.undo(shared, ready, at).await.map_err(at_root),
                Task::Call { path, ready: Ready::Step, at: _ } => steps.push(path),
                Task::Call { path, ready, at } => arrivals.push((path, ready, at)),
            }
        }
        let over = self.hands.running.over();
        let told: BTreeSet<&Path> = arrivals.iter().map(|(path, ..)| path).chain(&over).collect();
        let (mut held_back, mut alone) = (false, None);
        for path in steps {
            if self.may_have_lost(&path, &told) {
                held_back = true;
            } else if self.start(shared, &path).await.map_err(|reason| (path.clone(), reason))?.is_none() {
                alone.get_or_insert(path);
            }
        }
        if arrivals.is_empty() && !held_back {
            let Some(path) = alone else { return Ok(None) };
            return self.transact(shared, &path).await.map_err(|reason| (path, reason));
        }
        self.hands.machines.tree(shared, &self.run).await.map_err(at_root)?;
        let mut tried = Vec::new();
        self.hands.running.ended_now(&mut tried);
        let ended = self.begun(tried);
        if arrivals.is_empty() && ended.is_empty() {
            return Ok(None);
        }
        let Life::At { calls, .. } = &self.run.life else { return Err(at_root(contradiction(&Path::ROOT))) };
        let come =
            arrivals.into_iter().map(|(path, ready, at)| come(calls, &self.run.inbox, path, ready, at));
        let arrivals = come.collect::<Result<Vec<_>, _>>()?;
        Ok(Some(self.settle(shared, arrivals, ended)))
    }

    /// Whether a step stands in a `select!` or a `try_join!` to which something has come, or where an attempt has ended. That is
    /// put in first: if it ends the group, the step must not begin, and if not, the step is still ready.
    fn may_have_lost(&self, step: &Path, come: &BTreeSet<&Path>) -> bool {
        let Life::At { calls, .. } = &self.run.life else { return false };
        let may_end = |group: &GroupCall| matches!(group.rule, Rule::Any | Rule::Try);
        let is_race = |around: &Path| calls.group(around).is_some_and(may_end);
        // What comes to a group or below it stands first among what does not stand before it.
        let has_come = |around: &Path| {
            let first = come.range::<Path, _>((Bound::Included(around), Bound::Unbounded)).next();
            first.is_some_and(|path| around.contains(path))
        };
        std::iter::successors(step.parent(), Path::parent).any(|around| is_race(&around) && has_come(&around))
    }

    /// Starts the step that the call at this path makes. `None` if it is one that the run makes alone, in a transaction.
    async fn start(&mut self, shared: &Arc<Shared>, path: &Path) -> Result<Option<()>, ParkReason> {
        let (task, context) = self.take_step(shared, path).await?;
        if shared.workshop.is_transactional(&*task) {
            // Until it has its turn.
            self.hands.unbegun.insert(context.idempotency_key().into(), task);
            return Ok(None);
        }
        self.run_step(shared, path.clone(), task, context);
        Ok(Some(()))
    }

    /// Takes the step out that the call at this path makes.
    pub(crate) async fn take_step(
        &mut self,
        shared: &Arc<Shared>,
        path: &Path,
    ) -> Result<(Box<dyn StepTask>, StepContext), ParkReason> {
        let tree = self.hands.machines.tree(shared, &self.run).await?;
        let Life::At { calls, .. } = &self.run.life else { return Err(contradiction(path)) };
        let call = calls.get(path).ok_or_else(|| contradiction(path))?;
        let task = match self.hands.unbegun.remove(call.key.as_str()) {
            Some(task) => task,
            None => tree.task(path, calls)?,
        };
        let context = self.context(&*task, call);
        Ok((task, context))
    }

    /// What an attempt of a call is told.
    pub(crate) fn context(&self, task: &dyn StepTask, call: &Call) -> StepContext {
        context(&self.run, task, call)
    }

    /// Runs a step.
    pub(crate) fn run_step(
        &mut self,
        shared: &Arc<Shared>,
        path: Path,
        task: Box<dyn StepTask>,
        context: StepContext,
    ) {
        let tether = Arc::new(Tether::new(self.hands.pulse.clone()));
        let (context, bound) = (context.bound(tether.clone()), tether.clone());
        self.run.set_out(path.clone());
        let shared = shared.clone();
        let attempt =
            async move { attempt_in_turn(&shared.workshop, task, context, &bound, || shared.now()).await };
        self.hands.running.start(path, tether, attempt);
    }

    /// Waits until a step ends, a message comes, the lease is lost or the time is over; `None` if there is nothing to store yet.
    async fn wait(&mut self, shared: &Arc<Shared>, due: Option<Timestamp>) -> Result<Option<Turn>, NoTurn> {
        let alarm = due.into_iter().chain(self.hands.grace).min();
        let pause = alarm.map(|alarm| alarm.saturating_since(shared.now()));
        tokio::select! {
            biased;
            tried = self.hands.running.ended() => {
                let ended = self.begun(tried);
                return Ok((!ended.is_empty()).then(|| self.attempted(shared, ended)));
            }
            rung = self.hands.mailbox.rung() => match rung {
                Rung::Mail => self.load_mail(shared).await,
                // That is heeded before anything else is done.
                Rung::Lost => return Ok(None),
                Rung::Clock => {}
            },
            () = sleep(pause) => {}
        }
        let is_over = self.hands.grace.is_some_and(|grace| grace <= shared.now());
        Ok(is_over.then(|| self.sweep()))
    }

    /// Gives up what is still at work of a cancelled run.
    fn sweep(&mut self) -> Turn {
        self.hands.grace = None;
        self.hands.running.drop_all();
        Turn::Swept
    }

    /// Those of the attempts that were made. The calls of the others are kept: they are ready once more.
    fn begun(&mut self, tried: Vec<(Path, Tried)>) -> Vec<(Path, Attempt)> {
        let mut ended = Vec::new();
        for (path, tried) in tried {
            match tried {
                Tried::Ended(attempt) => ended.push((path, attempt)),
                Tried::NotBegun { key, task } => {
                    self.run.come_back(&path);
                    self.hands.unbegun.insert(key, task);
                }
            }
        }
        ended
    }

    /// What follows from attempts that have ended.
    fn attempted(&mut self, shared: &Shared, mut ended: Vec<(Path, Attempt)>) -> Turn {
        match &self.run.life {
            Life::At { cancelled, .. } => {
                // It is not parked where one gets it stuck, and won't run the others again: each is taken in by itself.
                if cancelled.is_some() && ended.len() > 1 {
                    self.hands.ended = ended.split_off(1);
                }
                self.settle(shared, Vec::new(), ended)
            }
            Life::Ending { .. } | Life::Ended { .. } => match ended.into_iter().next() {
                Some((_, attempt)) => self.undo_attempted(shared, attempt),
                None => Turn::Looked,
            },
        }
    }

    /// Puts in what has come, and runs the workflow's code.
    pub(crate) fn settle(
        &mut self,
        shared: &Shared,
        mut arrivals: Vec<Arrival>,
        ended: Vec<(Path, Attempt)>,
    ) -> Turn {
        let (Life::At { state, calls, .. }, Some(tree)) = (&self.run.life, self.hands.machines.loaded())
        else {
            return Turn::Stuck(Path::ROOT, contradiction(&Path::ROOT));
        };
        let now = shared.now();
        arrivals.extend(ended.into_iter().filter_map(|(path, attempt)| {
            let call = calls.get(&path)?;
            Some(came_of(path, call, attempt, now))
        }));
        let mut settled = tree.settle(state, calls, arrivals);
        let stuck = settled.stuck.take();
        if !settled.is_nothing() {
            self.hands.stuck = stuck;
            return Turn::Settled(settled);
        }
        let (path, reason) = stuck.unwrap_or_else(|| (Path::ROOT, contradiction(&Path::ROOT)));
        Turn::Stuck(path, reason)
    }

    /// The machines of calls that are entered anew.
    async fn enter(&mut self, shared: &Arc<Shared>, paths: Vec<Path>) -> Result<Turn, ParkReason> {
        self.hands.machines.at(shared, &self.run, paths).await.map(Turn::Entered)
    }

    /// Takes over what a turn led to, once it is stored.
    pub(crate) fn follow(&mut self, shared: &Shared, turn: Turn) {
        self.hands.refused &= matches!(turn, Turn::Stuck(..));
        match turn {
            Turn::Settled(settled) => {
                if let Some(tree) = self.hands.machines.loaded() {
                    tree.place(settled);
                }
            }
            Turn::Told(_) => self.heed(shared),
            Turn::Undone(_) | Turn::UndoEntered(_) => self.hands.machines.forget_undo(),
            Turn::Stuck(..) | Turn::Looked | Turn::Entered(_) | Turn::Swept | Turn::UndoAgain { .. } => {}
        }
        // It is for the steps that the cancel found in flight, not for those that undo.
        if !self.is_cancelled() {
            self.hands.grace = None;
        }
    }

    /// Whether the run was cancelled, and what it has in flight may still come to an end.
    fn is_cancelled(&self) -> bool {
        matches!(&self.run.life, Life::At { cancelled: Some(_), .. })
    }

    /// Does to the steps in flight what an operator said.
    fn heed(&mut self, shared: &Shared) {
        if self.run.paused {
            self.hands.running.hold();
        }
        match &self.run.life {
            Life::At { cancelled: Some(_), .. } if self.hands.grace.is_none() => {
                self.hands.running.cancel();
                self.hands.grace = Some(shared.now().saturating_add(shared.settings.cancel_grace));
            }
            Life::At { .. } => {}
            Life::Ending { .. } | Life::Ended { .. } => {
                if self.run.in_flight.is_empty() {
                    self.hands.running.drop_all();
                }
            }
        }
    }
}

/// What an attempt of a call is told.
pub(crate) fn context(run: &Run, task: &dyn StepTask, call: &Call) -> StepContext {
    let Identity { id, workflow, trace, .. } = &*run.identity;
    StepContext::new(id.shared(), task.name(), call.attempt, call.key.as_str().into())
        .of(workflow.clone(), trace.clone())
}

/// What an attempt came to, as the tree takes it.
pub(crate) fn came_of(path: Path, call: &Call, attempt: Attempt, now: Timestamp) -> Arrival {
    let Attempt { step, retry, run, end, words, telling } = attempt;
    let again = || retry::next(retry, call, run.started, now).map(What::Again);
    let what = match end {
        AttemptEnd::Good(outcome) | AttemptEnd::Failed { outcome, again: false } => What::Outcome(outcome),
        AttemptEnd::Failed { outcome, again: true } => again().unwrap_or(What::Outcome(outcome)),
        AttemptEnd::Panicked { message } => {
            again().unwrap_or(What::Bad(ParkReason::StepPanicked { step: step.to_owned(), message }))
        }
    };
    telling.tell(match &what {
        What::Again(again) => Some(again.due),
        What::Outcome(_) | What::Elapsed | What::Empty | What::Signal(_) | What::Output(_) | What::Bad(_) => {
            None
        }
    });
    Arrival { path, cause: Cause::Step(run), what, words, at: run.ended }
}

/// What came to a call that waited.
fn come(
    calls: &Calls,
    inbox: &[Received],
    path: Path,
    ready: Ready,
    at: Timestamp,
) -> Result<Arrival, (Path, ParkReason)> {
    let Some(call) = calls.get(&path) else {
        let reason = contradiction(&path);
        return Err((path, reason));
    };
    let (cause, what) =
        what_came(call, inbox, ready).unwrap_or_else(|reason| (Cause::Started, What::Bad(reason)));
    Ok(Arrival { path, cause, what, words: None, at })
}

/// What came to a call that waited.
pub(crate) fn what_came(call: &Call, inbox: &[Received], ready: Ready) -> Result<(Cause, What), ParkReason> {
    let body = |seq: Seq| -> Result<&Bytes, ParkReason> {
        let message = inbox.iter().find(|message| message.seq == seq);
        message.map(|message| &message.body).ok_or_else(|| contradiction(&Path::ROOT))
    };
    let unit = || What::Outcome(Outcome::new(()));
    Ok(match (ready, &call.waiting_for) {
        (Ready::Start, _) => (Cause::Started, unit()),
        (Ready::Timer, _) => (Cause::Timer, unit()),
        (Ready::Elapsed, _) => (Cause::Elapsed, What::Elapsed),
        (Ready::Empty, _) => (Cause::Empty, What::Empty),
        (Ready::Signal(seq), _) => (Cause::Signal(seq), What::Signal(body(seq)?.clone())),
        (Ready::Child(seq), WaitingFor::Child { id }) => {
            let end: ChildEnd = serde_json::from_str(raw(body(seq)?)?.get()).map_err(not_json)?;
            let what = if end.cancelled {
                What::Bad(ParkReason::ChildCancelled { child: id.clone() })
            } else {
                What::Output(end.output)
            };
            (Cause::Child(seq), what)
        }
        (Ready::Spawned, WaitingFor::Spawn { id }) => {
            (Cause::Spawned, What::Outcome(Outcome::new(id.clone())))
        }
        (Ready::Child(_) | Ready::Spawned | Ready::Step, _) => return Err(contradiction(&Path::ROOT)),
    })
}

/// A reason that concerns the run as a whole.
fn at_root(reason: ParkReason) -> (Path, ParkReason) {
    (Path::ROOT, reason)
}

/// Waits so long, or for ever.
async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
