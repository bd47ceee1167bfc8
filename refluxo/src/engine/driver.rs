//! The only loop that performs actions, and only after the state that asks for them is stored.
//!
//! A run that is worked on is a task. It performs what the stored state asks for, has the outcome stored with the next
//! state, and goes on at once with the machines as they are in memory, until the run rests or ends; then the task is over.

use std::{collections::BTreeMap, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use super::{
    AnyMachine,
    leases::Renewing,
    machines::Machines,
    mailbox::Mailbox,
    patience::Patience,
    persist::{Settled, settle},
    running::Running,
    shared::Shared,
    steps::Attempt,
    storing::{After, Before, Left, Planned, park_as_it_is},
    sure::Asked,
    turn::{NoTurn, Turn},
};
use crate::{
    core::{Identity, Life, Next, Run},
    observer::{Event, LeaseLost, Taking},
    snapshot::{ParkReason, Path},
    store::{Depth, EffectId, Lease, OpenTransaction, Record, Revision, Row, Status},
    suspend::{Pulse, StepTask},
    time::Timestamp,
};

/// A run in this worker's hands.
pub(crate) struct Held {
    pub(crate) run: Run,
    /// What else is known of it.
    pub(crate) hands: Box<Hands>,
}

/// What the holder of a run keeps beside it.
pub(crate) struct Hands {
    pub(crate) lease: Lease,
    /// When the run was created.
    pub(crate) created: Timestamp,
    /// Effects of earlier commits that were carried out; the next commit says so.
    pub(crate) settled: Vec<EffectId>,
    pub(crate) machines: Machines,
    pub(crate) running: Running,
    pub(crate) mailbox: Arc<Mailbox>,
    /// What the run's steps ask for it.
    pub(crate) pulse: Arc<dyn Pulse>,
    /// Until when the steps in flight of a cancelled run may come to an end.
    pub(crate) grace: Option<Timestamp>,
    /// What could not be taken in, while others of its batch were.
    pub(crate) stuck: Option<(Path, ParkReason)>,
    /// Whether the store has refused a commit, and has taken none since but that the run is stuck.
    pub(crate) refused: bool,
    /// The attempts of a cancelled run that have ended and are still to be taken in.
    pub(crate) ended: Vec<(Path, Attempt)>,
    /// The transaction of the step whose outcome is to be stored next, with what it wrote.
    pub(crate) transaction: Option<Box<dyn OpenTransaction>>,
    /// The pauses between commits that were rolled back one after the other.
    pub(crate) patience: Option<Patience>,
    /// The calls whose attempts did not begin, by their keys: they are out of the tree already.
    pub(crate) unbegun: BTreeMap<Arc<str>, Box<dyn StepTask>>,
}

impl Hands {
    fn new(created: Timestamp, settled: Vec<EffectId>, machines: Machines, renewing: &Renewing) -> Box<Self> {
        Box::new(Self {
            lease: renewing.lease.clone(),
            created,
            settled,
            machines,
            running: Running::default(),
            mailbox: renewing.mailbox.clone(),
            pulse: renewing.pulse(),
            grace: None,
            stuck: None,
            refused: false,
            ended: Vec::new(),
            transaction: None,
            patience: None,
            unbegun: BTreeMap::new(),
        })
    }

    /// Begins anew with what is stored, after the store has taken nothing of a commit. Nothing is running.
    pub(crate) fn begin_anew(&mut self, record: Record) {
        self.machines = Machines::of_record(record);
        self.grace = None;
        self.stuck = None;
        self.ended.clear();
        self.unbegun.clear();
    }
}

/// Gives a run a task, until it rests or ends.
///
/// Whoever then hears of it may want its slot, so that is free by then.
pub(crate) fn spawn(
    shared: &Arc<Shared>,
    slot: Option<OwnedSemaphorePermit>,
    work: impl Future<Output = Option<Left>> + Send + 'static,
) {
    let told = shared.clone();
    // It is large, and the runtime moves it several times.
    let work = Box::pin(work);
    shared.spawn(async move {
        let left = work.await;
        drop(slot);
        if let Some(left) = left {
            left.announce(&told);
        }
    });
}

/// Works on a run that was claimed by a question to the store at this time, until it rests or ends.
pub(crate) async fn take_up(shared: Arc<Shared>, lease: Lease, record: Record, asked: Asked) -> Option<Left> {
    let row = &record.row;
    let (workflow, how) = (row.queue.as_str().into(), Taking::of(row));
    let renewing = Renewing::begin(&shared, lease.clone(), workflow, how, asked);
    let Settled { done, taken } = settle(&shared, record.owed.clone()).await;
    let left = match Run::of_record(&record) {
        Ok(run) => {
            let (claims, created) = (record.row.claims, record.row.created);
            let hands = Hands::new(created, done, Machines::of_record(record), &renewing);
            let mut held = Held { run: shared.settings.bound(run), hands };
            let stuck = match taken {
                Some(child) => Some(ParkReason::ChildIdTaken { child }),
                // This claim is one of them.
                None if claims > shared.settings.poison_limit && held.acts(&shared) => {
                    Some(ParkReason::Poisoned { claims })
                }
                None => None,
            };
            // Nothing moves on a run that has ended, or that is parked already, but an operator.
            let may_park = held.run.parked.is_none() && !matches!(held.run.life, Life::Ended { .. });
            held.hands.stuck = stuck.filter(|_| may_park).map(|reason| (Path::ROOT, reason));
            drive(&shared, held).await
        }
        Err(error) => park_as_it_is(&shared, lease, &record, done, &error).await,
    };
    drop(renewing);
    left
}

/// Works on a run that this worker has just created, having asked the store at this time, until it rests or ends.
pub(crate) async fn begin(
    shared: Arc<Shared>,
    lease: Lease,
    run: Run,
    machine: Box<dyn AnyMachine>,
    asked: Asked,
) -> Option<Left> {
    let workflow = run.identity.workflow.clone();
    let renewing = Renewing::begin(&shared, lease, workflow, Taking::Started, asked);
    let hands = Hands::new(shared.now(), Vec::new(), Machines::of_newborn(machine), &renewing);
    let run = shared.settings.bound(run);
    let left = drive(&shared, Held { run, hands }).await;
    drop(renewing);
    left
}

/// Moves a run on until it rests or ends.
async fn drive(shared: &Arc<Shared>, mut held: Held) -> Option<Left> {
    loop {
        let mut turn = match held.turn(shared).await {
            Ok(turn) => turn,
            Err(NoTurn::Lost) => {
                held.tell_of_loss(shared);
                return None;
            }
            Err(NoTurn::Drained) => {
                held.give_back(shared).await;
                return None;
            }
        };
        match held.plan(shared, &mut turn)?.store(shared).await {
            After::Go(after) => {
                held = after;
                held.follow(shared, turn);
            }
            After::Anew(before) => held = before,
            After::Leave(left) => return left,
        }
    }
}

impl Held {
    /// Whether there is something to do now.
    fn acts(&self, shared: &Shared) -> bool {
        matches!(self.run.next(shared.now()), Next::Act(_))
    }

    /// Applies what a turn led to, and leaves of it what can be stored. A defect of ours must not take the worker down: the run
    /// is let go of, and taken up again when its lease ends.
    fn plan(self, shared: &Shared, turn: &mut Turn) -> Option<Planned> {
        let Self { run, mut hands } = self;
        let before = Before::of(&run);
        match run.apply(turn.event(), shared.now()) {
            Ok((run, mut plan)) => {
                if let Turn::Settled(settled) = turn {
                    if plan.moved == 0 {
                        // What the workflow came to can't be saved: its step has not run.
                        hands.transaction = None;
                    }
                    settled.keep(plan.moved);
                }
                hands.stuck = plan.stuck.take().or(hands.stuck);
                Some(Planned::new(before, run, plan, hands))
            }
            Err(defect) => {
                tracing::error!(%defect, "a run was let go of");
                None
            }
        }
    }

    /// Takes over the messages that have come since the run was last looked at.
    pub(crate) async fn load_mail(&mut self, shared: &Shared) {
        self.hands.mailbox.empty();
        // Where the store can't be asked, the next commit tells that there are messages.
        let Ok(answer) = shared.store.load(&self.run.identity.id, Depth::Mail).await else { return };
        if let Some(record) = shared.time.note(answer) {
            self.run.seen = record.seen();
            self.run.inbox = record.inbox;
        }
    }

    /// Gives the lease back, so that another worker takes the run over at once.
    async fn give_back(self, shared: &Shared) {
        if let Err(error) = shared.store.renew(vec![self.hands.lease], std::time::Duration::ZERO).await {
            tracing::warn!(%error, "a lease was not given back; it ends by itself");
        }
    }

    /// Tells of a run that is in other hands: it may have ended there, which the listener kept to itself as long as the run
    /// was held here.
    pub(crate) fn tell_of_loss(&self, shared: &Shared) {
        tracing::warn!(run = %self.hands.lease.run, "another worker has the run; what was done here was not stored");
        let Identity { id, workflow, .. } = &*self.run.identity;
        let lost = || LeaseLost { run: id.clone(), workflow: workflow.clone() };
        shared.workshop.audience.tell(|| Event::LeaseLost(lost()));
        shared.watchers.wake(&self.hands.lease.run);
    }
}

impl Taking {
    /// Where a run comes from that was claimed.
    ///
    /// Whoever brings a run to rest commits a status that says so, and a commit sets its claims to zero.
    fn of(row: &Row) -> Self {
        let was_left = row.claims > 1 || row.revision > Revision(0) && row.head.status == Status::Ready;
        if was_left { Self::TakenOver } else { Self::Claimed }
    }
}
