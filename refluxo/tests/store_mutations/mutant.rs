//! A store that keeps a wrong protocol: the memory store behind a wrapper that does one thing wrong.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use refluxo::{
    store::{
        Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Effect, Entry, Filter, Lease, Limits,
        Listed, MemoryStore, MemoryStoreBuilder, Message, NewRun, Page, Query, Rate, Record, Renewed,
        Revision, RunId, Seq, Session, SessionId, Stamped, Start, Store, StoreFuture, Then, Token, Wake,
    },
    time::{Clock, JumpListener, Timestamp},
};

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Nothing.
    Nothing,
    /// A run goes to rest without a look at its inbox.
    NoDoorbell,
    /// The inbox's counter at the commit counts as seen, though the holder's list of messages is older.
    CounterAsSeen,
    /// A run is rung if there is a row in its inbox, as a snapshot shows it that was taken before the commit.
    RowInInbox,
    /// A message changes the revision.
    MessagesFence,
    /// Tokens are counted, and repeat.
    CounterAsToken,
    /// The fence is the token without the revision.
    TokenAlone,
    /// The fence is the revision, and a stale token is taken for the present one.
    StaleTokenResurrected,
    /// A commit is lost when the lease's time is over.
    LateCommitLost,
    /// A commit that was applied is lost when it is sent again.
    ResentIsLost,
    /// A commit that was applied is applied again when it is sent again.
    ResentIsAppliedAgain,
    /// A lost commit's effects are applied.
    LoserHasEffects,
    /// Effects are dropped.
    EffectsLost,
    /// Effects are applied whenever their commit is sent.
    EffectsPerSending,
    /// A message to a run that commits in the same batch is dropped, as the second update of a row in one statement.
    BellOfOwnBatchLost,
    /// Effects that could not be applied are forgotten.
    OwedForgotten,
    /// One refused item fails its batch.
    PoisonedBatch,
    /// One lost item loses its batch.
    LostBatch,
    /// Messages that were used up stay in the inbox.
    NothingUsedUp,
    /// Keys are forgotten with the consumption of their messages.
    KeysForgotten,
    /// Keys are not looked at.
    KeysIgnored,
    /// A message reaches whatever run has the id.
    LivesMixedUp,
    /// Claims do not look at versions.
    ClaimsAnyVersion,
    /// Each worker goes by a clock of its own.
    ClocksCompared,
    /// States are kept as text.
    StatesAreText,
    /// Claims are counted from zero each time.
    PoisonUncounted,
    /// A limit of a key is not looked at.
    KeysUnlimited,
    /// A limit of a workflow is not looked at.
    WorkflowsUnlimited,
    /// A rate is not looked at.
    RatesUnlimited,
    /// The time of a rate is thought to be over too soon.
    RatesOverTooSoon,
}

impl Wrong {
    /// All that is wrong.
    pub(crate) const ALL: &[Self] = &[
        Self::NoDoorbell,
        Self::CounterAsSeen,
        Self::RowInInbox,
        Self::MessagesFence,
        Self::CounterAsToken,
        Self::TokenAlone,
        Self::StaleTokenResurrected,
        Self::LateCommitLost,
        Self::ResentIsLost,
        Self::ResentIsAppliedAgain,
        Self::LoserHasEffects,
        Self::EffectsLost,
        Self::EffectsPerSending,
        Self::BellOfOwnBatchLost,
        Self::OwedForgotten,
        Self::PoisonedBatch,
        Self::LostBatch,
        Self::NothingUsedUp,
        Self::KeysForgotten,
        Self::KeysIgnored,
        Self::LivesMixedUp,
        Self::ClaimsAnyVersion,
        Self::ClocksCompared,
        Self::StatesAreText,
        Self::PoisonUncounted,
        Self::KeysUnlimited,
        Self::WorkflowsUnlimited,
        Self::RatesUnlimited,
        Self::RatesOverTooSoon,
    ];
}

/// What the wrong protocols remember.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    /// Those who claim, each of whom may have a clock of its own.
    sessions: Arc<Mutex<Vec<SessionId>>>,
    /// The last lease that each run was claimed under.
    leases: Arc<Mutex<HashMap<RunId, Lease>>>,
    /// The commits that were applied.
    applied: Arc<Mutex<HashSet<(RunId, Token, Revision)>>>,
    /// Runs that had a message since their last commit.
    rung: Arc<Mutex<HashSet<RunId>>>,
}

/// The store's clock, which a wrong protocol reads with the eyes of whoever asks.
#[derive(Debug)]
struct Eyes {
    clock: Arc<dyn Clock>,
    /// How many microseconds whoever asks is ahead.
    ahead: AtomicI64,
}

impl Clock for Eyes {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.clock.now().as_micros() + self.ahead.load(Ordering::Relaxed))
    }

    fn on_jump(&self, listener: JumpListener) {
        self.clock.on_jump(listener);
    }
}

#[derive(Clone)]
pub(crate) struct Mutant {
    inner: MemoryStore,
    wrong: Wrong,
    notes: Notes,
    clock: Arc<Eyes>,
}

impl std::fmt::Debug for Mutant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Mutant").field(&self.wrong).finish()
    }
}

impl Mutant {
    /// A store that does this wrong, and the store behind it. Clones are connections to it.
    pub(crate) fn new(
        wrong: Wrong,
        builder: MemoryStoreBuilder,
        clock: Arc<dyn Clock>,
    ) -> (MemoryStore, Self) {
        let clock = Arc::new(Eyes { clock, ahead: AtomicI64::new(0) });
        let builder = builder.clock(clock.clone());
        let builder = match wrong {
            // What a counter comes to that is kept with the run and restored with an old copy of it.
            Wrong::CounterAsToken => builder.tokens(|| Token::from_u128(1)),
            Wrong::KeysForgotten => {
                builder.limits(Limits { key_memory: Duration::ZERO, ..Limits::default() })
            }
            _ => builder,
        };
        let inner = builder.build();
        (inner.clone(), Self { inner, wrong, notes: Notes::default(), clock })
    }

    /// Does something by the clock of whoever asks.
    fn by_the_clock_of<T>(&self, session: Option<&Session>, operation: impl FnOnce() -> T) -> T {
        if let (Wrong::ClocksCompared, Some(session)) = (self.wrong, session) {
            let mut sessions = self.notes.sessions.lock().expect("notes");
            let known = sessions.iter().position(|known| *known == session.id());
            let number = known.unwrap_or_else(|| {
                sessions.push(session.id());
                sessions.len() - 1
            });
            let hours = i64::try_from(number).expect("few");
            self.clock.ahead.store(hours * 3_600_000_000, Ordering::Relaxed);
        }
        let answer = operation();
        self.clock.ahead.store(0, Ordering::Relaxed);
        answer
    }

    async fn row_of(&self, id: &RunId) -> Option<Record> {
        self.inner.load(id, Depth::All).await.expect("load").value
    }

    /// Spoils a commit before it is sent.
    async fn spoil(&self, commit: &mut Commit) {
        match self.wrong {
            Wrong::NoDoorbell => commit.seen = Seq(u64::MAX),
            Wrong::CounterAsSeen => {
                if let Some(record) = self.row_of(&commit.lease.run).await {
                    commit.seen = record.row.inbox_last;
                }
            }
            Wrong::RowInInbox if commit.then != Then::Go => {
                let Some(before) = self.row_of(&commit.lease.run).await else { return };
                let left = before.inbox.iter().any(|message| !commit.consume.contains(&message.seq));
                commit.seen = if left { Seq(0) } else { Seq(u64::MAX) };
                // The time between the snapshot and the write, in which a message may come.
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                    let now = self.row_of(&commit.lease.run).await;
                    if now.is_none_or(|now| now.row.inbox_last > before.row.inbox_last) {
                        break;
                    }
                }
            }
            Wrong::TokenAlone => {
                if let Some(record) = self.row_of(&commit.lease.run).await {
                    commit.lease.revision = record.row.revision;
                }
            }
            Wrong::StaleTokenResurrected => {
                let leases = self.notes.leases.lock().expect("notes");
                if let Some(last) = leases.get(&commit.lease.run) {
                    commit.lease.token = last.token;
                }
            }
            Wrong::EffectsLost => commit.effects.clear(),
            Wrong::NothingUsedUp => commit.consume.clear(),
            _ => {}
        }
    }

    /// Carries effects out that should not be.
    async fn carry_out(&self, effects: &[Effect]) {
        for effect in effects.iter().cloned() {
            match effect {
                Effect::Start(new) => drop(self.inner.create(vec![*new]).await.expect("create")),
                Effect::Deliver(message) => drop(self.inner.deliver(vec![message]).await.expect("deliver")),
            }
        }
    }

    async fn commit_one(&self, mut commit: Commit) -> Stamped<Vec<Committed>> {
        let this = (commit.lease.run.clone(), commit.lease.token, commit.lease.revision);
        let was_applied = self.notes.applied.lock().expect("notes").contains(&this);
        let lost = Stamped { now: self.clock.now(), value: vec![Committed::Lost] };
        let is_late = commit.lease.until <= self.clock.now();
        let was_rung = self.notes.rung.lock().expect("notes").remove(&this.0);
        match self.wrong {
            Wrong::ResentIsLost if was_applied => return lost,
            Wrong::LateCommitLost if is_late => return lost,
            Wrong::MessagesFence if was_rung => return lost,
            Wrong::ResentIsAppliedAgain if was_applied => {
                commit.lease.revision = commit.lease.revision.next();
            }
            Wrong::EffectsPerSending => {
                let effects = std::mem::take(&mut commit.effects);
                self.carry_out(&effects).await;
            }
            _ => {}
        }
        self.spoil(&mut commit).await;
        let effects = commit.effects.clone();
        let mut answer = self.inner.commit(vec![commit]).await.expect("commit");
        match &mut answer.value[0] {
            Committed::Done { owed, .. } => {
                self.notes.applied.lock().expect("notes").insert(this);
                if self.wrong == Wrong::OwedForgotten {
                    owed.clear();
                }
            }
            Committed::Lost if self.wrong == Wrong::LoserHasEffects => self.carry_out(&effects).await,
            Committed::Lost | Committed::Rejected(_) => {}
        }
        answer
    }

    async fn commit_all(&self, mut batch: Vec<Commit>) -> Stamped<Vec<Committed>> {
        let now = self.clock.now();
        if self.wrong == Wrong::PoisonedBatch && batch.iter().any(|commit| commit.check().is_err()) {
            // What a store answers when one item's error fails the transaction; which error does not matter here.
            for commit in &mut batch {
                commit.lease.token = Token::random();
            }
        }
        if self.wrong == Wrong::LostBatch {
            for commit in &batch {
                let found = self.row_of(&commit.lease.run).await;
                if found.is_none_or(|found| found.row.revision != commit.lease.revision) {
                    return Stamped { now, value: batch.iter().map(|_| Committed::Lost).collect() };
                }
            }
        }
        if self.wrong == Wrong::BellOfOwnBatchLost {
            let own: Vec<_> = batch.iter().map(|commit| commit.lease.run.clone()).collect();
            for commit in &mut batch {
                let in_batch = |effect: &Effect| matches!(effect, Effect::Deliver(m) if own.contains(&m.to));
                commit.effects.retain(|effect| !in_batch(effect));
            }
        }
        let mut value = Vec::new();
        for commit in batch {
            value.extend(self.commit_one(commit).await.value);
        }
        Stamped { now, value }
    }
}

impl Store for Mutant {
    fn create(&self, mut batch: Vec<NewRun>) -> StoreFuture<'_, Vec<Created>> {
        if self.wrong == Wrong::StatesAreText {
            for new in &mut batch {
                new.state = Bytes::from(String::from_utf8_lossy(&new.state).into_owned());
            }
        }
        let session = batch.iter().find_map(|new| match &new.start {
            Start::Lent { session, .. } => Some(session.clone()),
            Start::Now | Start::At(_) => None,
        });
        let answer = self.by_the_clock_of(session.as_ref(), || self.inner.create(batch));
        Box::pin(async move {
            let answer = answer.await?;
            for created in &answer.value {
                if let Created::New { lease: Some(lease) } = created {
                    self.notes.leases.lock().expect("notes").insert(lease.run.clone(), lease.clone());
                }
            }
            Ok(answer)
        })
    }

    fn claim(&self, mut claim: Claim) -> StoreFuture<'_, Claimed> {
        for want in &mut claim.wants {
            match self.wrong {
                Wrong::ClaimsAnyVersion => want.version = u32::MAX,
                Wrong::KeysUnlimited => want.gate.per_key = None,
                Wrong::WorkflowsUnlimited => want.gate.at_once = None,
                Wrong::RatesUnlimited => want.gate.rate = None,
                Wrong::RatesOverTooSoon => {
                    want.gate.rate = want.gate.rate.map(|rate| Rate { per: rate.per / 2, ..rate });
                }
                _ => {}
            }
        }
        let session = claim.session.clone();
        let answer = self.by_the_clock_of(Some(&session), || self.inner.claim(claim));
        Box::pin(async move {
            let mut answer = answer.await?;
            for (lease, record) in &mut answer.value.runs {
                self.notes.leases.lock().expect("notes").insert(lease.run.clone(), lease.clone());
                match self.wrong {
                    Wrong::OwedForgotten => record.owed.clear(),
                    Wrong::PoisonUncounted => record.row.claims = 1,
                    _ => {}
                }
            }
            Ok(answer)
        })
    }

    fn renew(&self, leases: Vec<Lease>, keep: Duration) -> StoreFuture<'_, Vec<Renewed>> {
        self.inner.renew(leases, keep)
    }

    fn commit(&self, batch: Vec<Commit>) -> StoreFuture<'_, Vec<Committed>> {
        if self.wrong == Wrong::Nothing {
            return self.inner.commit(batch);
        }
        Box::pin(async move { Ok(self.commit_all(batch).await) })
    }

    fn deliver(&self, mut batch: Vec<Message>) -> StoreFuture<'_, Vec<Delivered>> {
        for message in &mut batch {
            self.notes.rung.lock().expect("notes").insert(message.to.clone());
            match self.wrong {
                Wrong::KeysIgnored => message.key = None,
                Wrong::LivesMixedUp => message.uid = None,
                _ => {}
            }
        }
        self.inner.deliver(batch)
    }

    fn load<'a>(&'a self, id: &'a RunId, depth: Depth) -> StoreFuture<'a, Option<Record>> {
        self.inner.load(id, depth)
    }

    fn history<'a>(&'a self, id: &'a RunId, page: Page) -> StoreFuture<'a, Vec<Entry>> {
        self.inner.history(id, page)
    }

    fn list(&self, query: Query) -> StoreFuture<'_, Listed> {
        self.inner.list(query)
    }

    fn purge(&self, filter: Filter, limit: u32) -> StoreFuture<'_, u32> {
        self.inner.purge(filter, limit)
    }

    fn wakes(&self) -> BoxStream<'static, Wake> {
        self.inner.wakes()
    }
}
