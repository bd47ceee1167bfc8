//! A store in the hands of one worker, in words short enough that a case reads as a story.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    store::{
        Attribute, Claim, Claimed, Commit, Committed, Created, Delivered, Depth, Effect, Entry, Filter, Gate,
        Head, InputHash, Lane, Lease, Listed, Message, NewRun, Owed, Page, Query, Record, Renewed, Revision,
        RunId, Seq, Session, Start, Status, Store, Then, Uid, Want,
    },
    time::Timestamp,
};

/// How long leases last in the cases.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// The workflow that the cases' runs belong to where it does not matter.
pub(super) const QUEUE: &str = "work";

pub(super) fn id(id: &str) -> RunId {
    RunId::new(id).expect("the cases use short plain ids")
}

pub(super) fn head(status: Status) -> Head {
    Head { status, at: "Here".into(), version: 1, body: Bytes::from_static(b"{}") }
}

/// A run with nothing special about it.
pub(super) fn run(name: &str) -> NewRun {
    NewRun {
        id: id(name),
        uid: Uid::random(),
        root: id(name),
        parent: None,
        queue: QUEUE.into(),
        lane: Lane::default(),
        input: InputHash([7; 32]),
        head: head(Status::Ready),
        state: Bytes::from_static(b"first"),
        parts: Vec::new(),
        attributes: Vec::<Attribute>::new(),
        entries: Vec::new(),
        start: Start::Now,
    }
}

/// A run that `parent` awaits.
pub(super) fn child(name: &str, parent: &str) -> NewRun {
    NewRun { root: id(parent), parent: Some(id(parent)), ..run(name) }
}

pub(super) fn message(to: &str, body: &str) -> Message {
    let body = Bytes::copy_from_slice(body.as_bytes());
    Message { to: id(to), uid: None, key: None, kind: "note".into(), body }
}

pub(super) fn keyed(to: &str, key: &str) -> Message {
    Message { key: Some(key.into()), ..message(to, key) }
}

/// A commit that keeps the lease.
pub(super) fn go(lease: &Lease, record: &Record) -> Commit {
    Commit::new(lease.clone(), head(Status::Ready), record.seen())
}

/// A commit that waits, until `due` or for a message.
pub(super) fn rest(lease: &Lease, record: &Record, due: Option<Timestamp>) -> Commit {
    Commit { then: Then::Rest { due }, head: head(Status::Waiting), ..go(lease, record) }
}

/// A commit that ends the run.
pub(super) fn end(lease: &Lease, record: &Record) -> Commit {
    Commit { then: Then::End, head: head(Status::Completed), ..go(lease, record) }
}

/// The same lease after a commit.
pub(super) fn after(lease: &Lease, revision: Revision) -> Lease {
    Lease { revision, ..lease.clone() }
}

pub(super) fn want(queue: &str, version: u32, slots: u32) -> Want {
    Want { queue: queue.into(), version, slots, gate: Gate::default() }
}

/// One connection and one session.
pub(super) struct Worker {
    pub(super) store: Arc<dyn Store>,
    pub(super) session: Session,
}

impl Worker {
    pub(super) fn on(store: Arc<dyn Store>) -> Self {
        Self { store, session: Session::begin() }
    }

    pub(super) async fn now(&self) -> Timestamp {
        self.renew(Vec::new(), LEASE).await.0
    }

    pub(super) async fn create(&self, new: NewRun) -> Created {
        let created = self.store.create(vec![new]).await.expect("create").value;
        one(created)
    }

    /// Creates a run that must be new.
    pub(super) async fn start(&self, new: NewRun) {
        let created = self.create(new).await;
        assert!(matches!(created, Created::New { .. }), "a new run was answered with {created:?}");
    }

    /// Creates a run that must be new, and holds it.
    pub(super) async fn start_held(&self, new: NewRun) -> (Lease, Record) {
        let name = new.id.clone();
        let start = Start::Lent { session: self.session.clone(), keep: LEASE };
        match self.create(NewRun { start, ..new }).await {
            Created::New { lease: Some(lease) } => (lease, self.load(name.as_str()).await),
            other => panic!("a run to be lent was answered with {other:?}"),
        }
    }

    pub(super) async fn claim_as(&self, wants: Vec<Want>, limit: u32) -> (Timestamp, Claimed) {
        let claim = Claim { session: self.session.clone(), keep: LEASE, limit, wants };
        let stamped = self.store.claim(claim).await.expect("claim");
        (stamped.now, stamped.value)
    }

    pub(super) async fn claim_all(&self) -> Vec<(Lease, Record)> {
        self.claim_as(vec![want(QUEUE, u32::MAX, 1000)], 1000).await.1.runs
    }

    /// Claims what must be the only due run.
    pub(super) async fn claim(&self, name: &str) -> (Lease, Record) {
        let mut runs = self.claim_all().await;
        let names: Vec<_> = runs.iter().map(|(lease, _)| lease.run.as_str()).collect();
        assert_eq!(names, [name], "due runs");
        runs.remove(0)
    }

    /// Asserts that a claim finds nothing.
    pub(super) async fn claims_nothing(&self, why: &str) {
        let runs = self.claim_all().await;
        assert!(runs.is_empty(), "{why}, but a claim found {:?}", runs[0].1.row);
    }

    pub(super) async fn renew(&self, leases: Vec<Lease>, keep: Duration) -> (Timestamp, Vec<Renewed>) {
        let stamped = self.store.renew(leases, keep).await.expect("renew");
        (stamped.now, stamped.value)
    }

    pub(super) async fn commit(&self, commit: Commit) -> Committed {
        one(self.store.commit(vec![commit]).await.expect("commit").value)
    }

    /// Commits what must be applied.
    pub(super) async fn commit_done(&self, commit: Commit) -> (Revision, bool, Vec<Owed>) {
        done(self.commit(commit).await)
    }

    /// Commits what must be refused by the fence.
    pub(super) async fn commit_lost(&self, commit: Commit, why: &str) {
        let answer = self.commit(commit).await;
        assert!(matches!(answer, Committed::Lost), "{why}, but the commit was answered with {answer:?}");
    }

    /// Commits an effect, and carries it out if the store hands it back.
    pub(super) async fn commit_with(&self, mut commit: Commit, effects: Vec<Effect>) -> Revision {
        commit.effects = effects;
        let (revision, _, owed) = self.commit_done(commit).await;
        self.carry_out(&owed).await;
        revision
    }

    /// What a driver does with owed effects.
    pub(super) async fn carry_out(&self, owed: &[Owed]) {
        for owed in owed {
            match owed.effect.clone() {
                Effect::Start(new) => drop(self.create(*new).await),
                Effect::Deliver(message) => drop(self.deliver(message).await),
            }
        }
    }

    pub(super) async fn deliver(&self, message: Message) -> Delivered {
        one(self.store.deliver(vec![message]).await.expect("deliver").value)
    }

    /// Delivers what must be stored.
    pub(super) async fn send(&self, message: Message) -> Seq {
        match self.deliver(message).await {
            Delivered::Stored { seq } => seq,
            other => panic!("a message was answered with {other:?}"),
        }
    }

    pub(super) async fn find(&self, name: &str, depth: Depth) -> Option<Record> {
        self.store.load(&id(name), depth).await.expect("load").value
    }

    pub(super) async fn load(&self, name: &str) -> Record {
        self.find(name, Depth::All).await.unwrap_or_else(|| panic!("the run {name} is gone"))
    }

    pub(super) async fn history(&self, name: &str, page: Page) -> Vec<Entry> {
        self.store.history(&id(name), page).await.expect("history").value
    }

    pub(super) async fn list(&self, filter: Filter) -> Vec<String> {
        let query = Query::Rows { filter, after: None, limit: 1000 };
        match self.store.list(query).await.expect("list").value {
            Listed::Rows { rows, .. } => rows.iter().map(|listed| listed.row.id.to_string()).collect(),
            other @ Listed::Count { .. } => panic!("rows were asked for, not {other:?}"),
        }
    }

    pub(super) async fn purge(&self, filter: Filter, limit: u32) -> u32 {
        self.store.purge(filter, limit).await.expect("purge").value
    }
}

/// What an applied commit was answered with.
pub(super) fn done(answer: Committed) -> (Revision, bool, Vec<Owed>) {
    match answer {
        Committed::Done { revision, more, owed } => (revision, more, owed),
        other @ (Committed::Lost | Committed::Rejected(_)) => panic!("a commit was answered with {other:?}"),
    }
}

/// The answer to a batch of one.
fn one<T>(mut answers: Vec<T>) -> T {
    assert_eq!(answers.len(), 1, "a batch of one has one answer");
    answers.remove(0)
}

/// The bodies of messages or entries as text.
pub(super) fn texts<'a>(bodies: impl IntoIterator<Item = &'a Bytes>) -> Vec<&'a str> {
    bodies.into_iter().map(|body| std::str::from_utf8(body).expect("the cases write text")).collect()
}
