//! The trace that runs belong to, and the spans in which steps run.

mod support;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use refluxo::{Engine, MemoryStore, engine::EngineBuilder, prelude::*, store::Store};
use support::soon;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[step]
async fn trace(#[inject] cx: &StepContext) -> Option<String> {
    tracing::info!("the step says something");
    cx.trace_parent().map(str::to_owned)
}

#[workflow]
async fn child() -> Option<String> {
    trace().await
}

/// The traces of its own step, of one that undoes nothing, and of its child's.
#[workflow]
async fn family() -> Vec<Option<String>> {
    let mine = trace().await;
    let (branch, child) = join!(trace(), child());
    vec![mine, branch, child]
}

#[derive(Debug, Serialize, Deserialize, Signal)]
struct Go;

#[workflow]
async fn patient() -> Option<String> {
    let Go = signal::<Go>().await;
    trace().await
}

#[step]
async fn refuse() -> Result<(), String> {
    Err("no".into())
}

#[workflow]
async fn refused() -> Result<(), String> {
    refuse().await
}

fn builder(store: impl Store) -> EngineBuilder {
    Engine::builder(store).register::<Family>().register::<Patient>().register::<Refused>()
}

#[tokio::test]
async fn steps_know_the_trace_and_so_do_branches_and_children() {
    let engine = builder(MemoryStore::new()).trace_context(|| Some(TRACE.into())).build().await.unwrap();
    let run = engine.start("a", family()).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), vec![Some(TRACE.to_owned()); 3]);
    assert_eq!(run.snapshot().await.unwrap().trace.as_deref(), Some(TRACE));
}

#[tokio::test]
async fn the_trace_is_that_of_the_start_on_every_worker_and_in_a_copy() {
    let store = MemoryStore::new();
    let first = builder(store.clone()).trace_context(|| Some(TRACE.into())).build().await.unwrap();
    first.start("a", patient()).await.unwrap();
    first.shutdown().await;
    // It would tell another one, and has nobody to copy for.
    let second = builder(store).trace_context(|| None).build().await.unwrap();
    let run = second.run::<Patient>("a").await.unwrap();
    let copy = run.fork("b").await.unwrap();
    for run in [run, copy] {
        run.signal(Go).await.unwrap();
        assert_eq!(soon(run.result()).await.unwrap().as_deref(), Some(TRACE), "{}", run.id());
    }
}

#[tokio::test]
async fn a_trace_is_none_where_nobody_tells_one() {
    let engine = builder(MemoryStore::new()).trace_context(|| panic!("no trace")).build().await.unwrap();
    let run = engine.start("a", family()).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), vec![None; 3]);
}

/// Writes down spans and what happens in them.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Written>>);

#[derive(Default)]
struct Written {
    spans: Vec<(&'static str, BTreeMap<&'static str, String>)>,
    entered: Vec<u64>,
    /// The spans in which the step said something.
    said_in: Vec<u64>,
}

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl Subscriber for Journal {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() || metadata.target() == "traces"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = BTreeMap::new();
        span.record(&mut Fields(&mut fields));
        let mut written = self.0.lock().unwrap();
        written.spans.push((span.metadata().name(), fields));
        Id::from_u64(written.spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let number = usize::try_from(span.into_u64()).unwrap() - 1;
        values.record(&mut Fields(&mut self.0.lock().unwrap().spans[number].1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        let mut written = self.0.lock().unwrap();
        let current = written.entered.last().copied().unwrap_or(0);
        written.said_in.push(current);
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.0.lock().unwrap().entered.pop();
    }
}

impl Journal {
    fn fields(&self, number: usize) -> String {
        let written = self.0.lock().unwrap();
        let (name, fields) = &written.spans[number];
        let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{name} {}", fields.join(" "))
    }
}

#[tokio::test]
async fn a_step_runs_in_a_span() {
    let journal = Journal::default();
    let _guard = tracing::subscriber::set_default(journal.clone());
    let engine = builder(MemoryStore::new()).build().await.unwrap();
    soon(engine.start("a", child()).await.unwrap().result()).await.unwrap();
    soon(engine.start("b", refused()).await.unwrap().result()).await.unwrap().unwrap_err();
    assert_eq!(journal.fields(0), "refluxo.step attempt=1 outcome=returned run=a step=trace workflow=child");
    assert_eq!(journal.fields(1), "refluxo.step attempt=1 outcome=failed run=b step=refuse workflow=refused");
    assert_eq!(journal.0.lock().unwrap().said_in, [1], "what it says is said in its span");
}

#[tokio::test]
async fn a_program_makes_the_spans_of_its_steps() {
    let journal = Journal::default();
    let _guard = tracing::subscriber::set_default(journal.clone());
    let engine = builder(MemoryStore::new())
        .instrument(|cx| {
            assert_ne!(cx.run_id(), "b", "it panics");
            tracing::info_span!("mine", of = cx.step(), outcome = tracing::field::Empty)
        })
        .build()
        .await
        .unwrap();
    for id in ["a", "b"] {
        soon(engine.start(id, child()).await.unwrap().result()).await.unwrap();
    }
    assert_eq!(journal.fields(0), "mine of=trace outcome=returned");
    assert!(
        journal.fields(1).starts_with("refluxo.step "),
        "the usual one where the program's can't be made"
    );
}
