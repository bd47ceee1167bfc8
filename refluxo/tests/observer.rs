//! What observers are told, and that they harm nobody.

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use refluxo::{
    Engine, MemoryStore,
    engine::EngineBuilder,
    observer::{BasicMetrics, CompositeObserver, Event, NoopObserver, Observer},
    prelude::*,
};

#[step]
async fn double(n: u32) -> u32 {
    n * 2
}

#[workflow]
async fn quadruple(n: u32) -> Result<u32, String> {
    let twice = double(n).await;
    let answer = double(twice).await;
    if answer > 100 { Err("too much".into()) } else { Ok(answer) }
}

/// Fails at its first attempt, and panics at its second and last.
#[step(retry(attempts = 2, initial = "1ms"))]
async fn stumble(#[inject] cx: &StepContext) -> Result<(), String> {
    assert_eq!(cx.attempt(), 1, "once is enough");
    Err("not yet".into())
}

#[workflow]
async fn stumbling() -> Result<(), String> {
    stumble().await
}

#[step]
async fn hang() {
    std::future::pending::<()>().await;
}

#[workflow]
async fn hanging() {
    hang().await;
}

#[workflow]
async fn parent(n: u32) -> Result<u32, String> {
    quadruple(n).await
}

/// Writes down what it is told, in words.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    /// What it was told so far.
    fn read(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Diary {
    fn told(&self, event: &Event) {
        let line = match event {
            Event::Serving(serving) => {
                format!("it serves {} in {}", serving.workflows.join(", "), serving.slots)
            }
            Event::Started(started) => {
                let parent =
                    started.parent.as_ref().map(|parent| format!(" for {parent}")).unwrap_or_default();
                format!("{} {} begins{parent}", started.run, started.workflow)
            }
            Event::TakenUp(taken) => {
                format!("{} is {} as 1 of {}", taken.run, taken.how.as_str(), taken.held)
            }
            Event::Reached(reached) => {
                format!("{} is {} at {} after {}", reached.run, reached.status, reached.at, reached.revision)
            }
            Event::Parked(parked) => {
                format!("{} is parked at {}: {}", parked.run, parked.at, parked.reason.name())
            }
            Event::Ended(ended) => format!("{} {} is {}", ended.run, ended.workflow, ended.status),
            Event::LetGo(let_go) => format!("{} is let go of, {} are left", let_go.run, let_go.held),
            Event::LeaseLost(lost) => format!("{} is lost", lost.run),
            Event::Attempting(attempting) => {
                format!("{}: {} begins", attempting.context.run_id(), attempting.context.step())
            }
            Event::Attempted(attempted) => {
                let again = if attempted.again.is_some() { ", again" } else { "" };
                format!(
                    "{}: {} has {}{again}",
                    attempted.context.run_id(),
                    attempted.context.step(),
                    attempted.outcome
                )
            }
            Event::Claimed(_) => return,
            other => panic!("nobody told {other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

fn builder(store: &MemoryStore) -> EngineBuilder {
    Engine::builder(store.clone())
        .register::<Quadruple>()
        .register::<Stumbling>()
        .register::<Hanging>()
        .register::<Parent>()
}

/// What is told of a run of `quadruple` from its start to its end.
async fn told_of(n: u32) -> Vec<String> {
    let diary = Diary::default();
    let engine = builder(&MemoryStore::new()).observe(diary.clone()).build().await.unwrap();
    let _ = engine.start("run-1", quadruple(n)).await.unwrap().result().await.unwrap();
    engine.shutdown().await;
    diary.read()
}

#[tokio::test]
async fn an_observer_is_told_the_life_of_a_run_in_order() {
    let expected = [
        "it serves hanging, parent, quadruple, refluxo.schedule, stumbling in 64",
        "run-1 is started as 1 of 1",
        "run-1 quadruple begins",
        "run-1 is ready at Double after 1",
        "run-1: double begins",
        "run-1: double has returned",
        "run-1 is ready at Double2 after 2",
        "run-1: double begins",
        "run-1: double has returned",
        "run-1 is completed at Double2 after 3",
        "run-1 quadruple is completed",
        "run-1 is let go of, 0 are left",
    ];
    assert_eq!(told_of(1).await, expected);
}

#[tokio::test]
async fn an_observer_is_told_of_a_failure() {
    let told = told_of(50).await;
    assert!(told.contains(&"run-1 quadruple is failed".to_owned()), "{told:#?}");
}

#[tokio::test]
async fn an_observer_is_told_of_attempts_and_once_that_a_run_is_parked() {
    let diary = Diary::default();
    let engine = builder(&MemoryStore::new()).observe(diary.clone()).build().await.unwrap();
    let run = engine.start("a", stumbling()).await.unwrap();
    run.result().await.unwrap_err();
    // It is worked on, and stays parked.
    run.pause().await.unwrap();
    while !run.snapshot().await.unwrap().paused {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    engine.shutdown().await;
    let told = diary.read();
    let of = |word: &str| told.iter().filter(|line| line.contains(word)).cloned().collect::<Vec<_>>();
    assert_eq!(of("has"), ["a: stumble has failed, again", "a: stumble has panicked"]);
    let parked = ["a is parked at Stumble after 3", "a is parked at Stumble: step_panicked"];
    assert_eq!(of("is parked"), parked);
}

#[tokio::test]
async fn an_observer_is_told_of_children_and_of_runs_that_are_taken_over() {
    let store = MemoryStore::new();
    let diary = Diary::default();
    let first = builder(&store).observe(diary.clone()).build().await.unwrap();
    let run = first.start("a", parent(1)).await.unwrap();
    run.result().await.unwrap().unwrap();
    let told = until_told(&diary, "a parent is completed").await;
    let begins = told.iter().find(|line| line.contains(" quadruple begins for ")).expect("the child begins");
    assert!(begins.ends_with("for a"), "{begins}");

    first.start("b", hanging()).await.unwrap();
    until_told(&diary, "b: hang begins").await;
    // It dies in the middle of the step.
    drop((first, run));
    let second = builder(&store).observe(diary.clone()).build().await.unwrap();
    let told = until_told(&diary, "b is taken_over as 1 of 1").await;
    assert!(told.contains(&"b: hang has dropped".to_owned()), "each attempt that began is over: {told:#?}");
    assert!(!told.iter().any(|line| line.contains("b hanging begins")), "it had begun before: {told:#?}");
    drop(second);
}

/// Waits until this is told; gives all that was told meanwhile.
async fn until_told(diary: &Diary, line: &str) -> Vec<String> {
    let mut told = Vec::new();
    while !told.iter().any(|told| told == line) {
        told.extend(diary.read());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    told
}

/// Never comes back from what it is told first.
struct Stuck(Mutex<mpsc::Receiver<()>>);

impl Observer for Stuck {
    fn told(&self, _: &Event) {
        let _ = self.0.lock().unwrap().recv();
    }
}

#[tokio::test]
async fn an_observer_that_is_stuck_harms_nobody() {
    let (free, wait) = mpsc::channel();
    let diary = Diary::default();
    let builder = builder(&MemoryStore::new()).observe(Stuck(Mutex::new(wait))).observe(diary.clone());
    let engine = builder.build().await.unwrap();
    // More events than its queue holds.
    for number in 0..500 {
        let run = engine.start(format!("run-{number}"), quadruple(1)).await.unwrap();
        assert_eq!(run.result().await.unwrap(), Ok(4));
    }
    engine.shutdown().await;
    let ended = diary.read().iter().filter(|line| line.ends_with("quadruple is completed")).count();
    assert_eq!(ended, 500, "the other one was told all");
    drop(free);
}

#[tokio::test]
async fn of_several_as_one_each_is_told_though_one_panics() {
    let diary = Diary::default();
    let several = CompositeObserver::new()
        .with(|event: &Event| panic!("it was told of {event:?}"))
        .with(diary.clone())
        .with(NoopObserver);
    let engine = builder(&MemoryStore::new()).observe(several).build().await.unwrap();
    engine.start("a", quadruple(1)).await.unwrap().result().await.unwrap().unwrap();
    engine.shutdown().await;
    assert_eq!(diary.read().len(), 12);
    assert!(!CompositeObserver::new().with(NoopObserver).is_enabled(), "nobody in it listens");
}

#[tokio::test]
async fn basic_metrics_count_runs_and_attempts() {
    let metrics = BasicMetrics::new();
    let engine = builder(&MemoryStore::new()).observe(metrics.clone()).concurrency(8).build().await.unwrap();
    for (id, n) in [("a", 1), ("b", 2), ("c", 50)] {
        let _ = engine.start(id, quadruple(n)).await.unwrap().result().await.unwrap();
    }
    engine.start("d", stumbling()).await.unwrap().result().await.unwrap_err();
    engine.shutdown().await;
    let counted = metrics.snapshot();
    let quadruple = &counted.workflows["quadruple"];
    assert_eq!((quadruple.started, quadruple.completed.count, quadruple.failed.count), (3, 2, 1));
    assert_eq!((quadruple.states, quadruple.parked, quadruple.taken_over), (9, 0, 0));
    assert!(
        quadruple.completed.total >= quadruple.completed.longest
            && quadruple.completed.mean() > Duration::ZERO
    );
    assert_eq!(counted.workflows["stumbling"].parked, 1);
    assert_eq!(counted.steps["double"].returned.count, 6);
    let stumble = &counted.steps["stumble"];
    assert_eq!((stumble.failed.count, stumble.panicked.count, stumble.retried), (1, 1, 1));
    assert_eq!((counted.held, counted.slots, counted.missed), (0, 8, 0));
    assert!(counted.claims.count > 0 && counted.commits.count >= 9);
    let json = serde_json::to_value(&counted).unwrap();
    assert_eq!(json["workflows"]["quadruple"]["completed"]["count"], 2);
}
