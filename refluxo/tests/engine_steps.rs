//! Steps as their options say, what they are told while they run, and who is told of them.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use refluxo::{
    Engine, Run,
    engine::{EngineBuilder, ResultError},
    observer::{Event, Observer},
    prelude::*,
    snapshot::RunStatus,
    suspend::Interrupted,
};
use support::{Place, build, passing, soon, until, world::World};

everywhere! {
    an_attempt_that_takes_too_long_is_dropped_and_made_again,
    no_more_steps_of_a_name_run_at_once_than_they_may,
    steps_that_wait_for_their_turn_do_not_begin_in_a_pause,
    steps_that_wait_for_their_turn_do_not_begin_after_a_cancel,
    what_a_step_left_behind_is_told_that_it_is_over,
    an_observer_that_panics_harms_nobody,
    a_heartbeat_tells_of_a_cancel,
    a_step_is_told_that_its_lease_is_lost,
    a_signal_under_a_key_is_taken_once,
    observers_are_told_of_attempts,
    a_worker_hears_of_a_cancel_that_another_one_sent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Trouble {
    Late(TimedOut),
    Told(String),
}

impl From<TimedOut> for Trouble {
    fn from(late: TimedOut) -> Self {
        Self::Late(late)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, Signal)]
struct Word(String);

/// Takes for ever at its first attempts.
#[step(timeout = "20ms", retry(attempts = 3, initial = "1s", jitter = false))]
async fn hesitate(
    #[inject] world: &World,
    #[inject] cx: &StepContext,
    attempts: u32,
) -> Result<u32, Trouble> {
    world.note(cx, format!("attempt {}", cx.attempt())).await;
    if cx.attempt() <= attempts {
        std::future::pending::<()>().await;
    }
    Ok(cx.attempt())
}

#[workflow]
async fn hesitating(attempts: u32) -> Result<u32, Trouble> {
    hesitate(attempts).await
}

#[step(concurrency = 2)]
async fn narrow(#[inject] world: &World, #[inject] cx: &StepContext, text: String) -> String {
    world.note(cx, text).await
}

#[workflow]
async fn crowd(texts: Vec<String>) -> Vec<String> {
    join_all!(for text in texts => narrow(text))
}

/// Goes on until it is told to stop.
#[step]
async fn work(#[inject] world: &World, #[inject] cx: &StepContext) -> Result<(), Trouble> {
    world.note(cx, "works".to_owned()).await;
    let (there, told) = (world.clone(), cx.clone());
    tokio::spawn(async move {
        told.lease_lost().await;
        there.note(&told, "lost".to_owned()).await;
    });
    loop {
        match cx.heartbeat().await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(interrupted @ (Interrupted::Cancelled | Interrupted::LeaseLost)) => {
                return Err(Trouble::Told(interrupted.to_string()));
            }
        }
    }
}

/// Never returns: it takes too long, or panics. What it leaves behind waits for its end.
#[step(timeout = "20ms")]
async fn linger(#[inject] world: &World, #[inject] cx: &StepContext, panics: bool) -> Result<(), Trouble> {
    let (there, told) = (world.clone(), cx.clone());
    tokio::spawn(async move {
        told.cancelled().await;
        there.note(&told, "told".to_owned()).await;
    });
    assert!(!panics, "the test says so");
    std::future::pending().await
}

#[workflow]
async fn lingering(panics: bool) -> Result<(), Trouble> {
    linger(panics).await
}

#[workflow]
async fn working() -> Result<(), Trouble> {
    work().await
}

#[workflow]
async fn hearing() -> Vec<String> {
    let first = signal::<Word>().await;
    match signal::<Word>().timeout(Duration::from_mins(1)).await {
        Ok(second) => vec![first.0, second.0],
        Err(Elapsed) => vec![first.0],
    }
}

async fn builder(place: &Place) -> EngineBuilder {
    let builder =
        place.builder(place.store().await).poison_limit(u32::MAX).lease(Duration::from_secs(1_000_000));
    builder
        .register::<Hesitating>()
        .register::<Crowd>()
        .register::<Working>()
        .register::<Lingering>()
        .register::<Hearing>()
}

async fn an_attempt_that_takes_too_long_is_dropped_and_made_again(place: Place) {
    let engine = build(builder(&place).await).await;
    let run = engine.start("a", hesitating(2)).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap(), Ok(3));
    let run = engine.start("b", hesitating(3)).await.unwrap();
    let late = TimedOut { step: "hesitate".to_owned(), after: Duration::from_millis(20) };
    assert_eq!(passing(&place, run.result()).await.unwrap(), Err(Trouble::Late(late)));
    assert_eq!(place.world.notes().len(), 6);
}

async fn no_more_steps_of_a_name_run_at_once_than_they_may(place: Place) {
    let engine = build(builder(&place).await).await;
    let texts: Vec<_> = (0..3).map(|number| format!("gate {number}")).collect();
    let one = engine.start("a", crowd(texts.clone())).await.unwrap();
    let other = engine.start("b", crowd(texts.clone())).await.unwrap();
    for done in 0..6 {
        soon(place.world.somebody_at_the_gate()).await;
        if done > 0 {
            tokio::time::sleep(Duration::from_millis(3)).await;
            assert!(place.world.texts().len() <= done + 2);
        }
        place.world.open_gate();
    }
    assert_eq!(soon(one.result()).await.unwrap(), texts);
    assert_eq!(soon(other.result()).await.unwrap(), texts);
}

/// A run of four steps, of which two stand at the gate and two wait for their turn.
async fn queue(place: &Place) -> (Engine, Run<Crowd>) {
    let engine = build(builder(place).await).await;
    let texts: Vec<_> = (0..4).map(|number| format!("gate {number}")).collect();
    let run = engine.start("a", crowd(texts)).await.unwrap();
    for _ in 0..2 {
        soon(place.world.somebody_at_the_gate()).await;
    }
    (engine, run)
}

async fn steps_that_wait_for_their_turn_do_not_begin_in_a_pause(place: Place) {
    let (_engine, run) = queue(&place).await;
    run.pause().await.unwrap();
    until(async || run.snapshot().await.unwrap().paused).await;
    place.world.open_gate();
    place.world.open_gate();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Paused).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(place.world.texts().len(), 2);
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Paused);

    run.resume().await.unwrap();
    for _ in 0..2 {
        soon(place.world.somebody_at_the_gate()).await;
        place.world.open_gate();
    }
    assert_eq!(soon(run.result()).await.unwrap().len(), 4);
    assert!(place.world.notes().iter().all(|noted| noted.attempt == 1));
}

async fn steps_that_wait_for_their_turn_do_not_begin_after_a_cancel(place: Place) {
    let (_engine, run) = queue(&place).await;
    run.cancel().await.unwrap();
    until(async || run.snapshot().await.unwrap().ending.is_some()).await;
    place.world.open_gate();
    place.world.open_gate();
    // The clock stands: it is not the end of the grace that ends it.
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.texts().len(), 2);
}

async fn what_a_step_left_behind_is_told_that_it_is_over(place: Place) {
    let engine = build(builder(&place).await).await;
    let run = engine.start("a", lingering(false)).await.unwrap();
    assert!(matches!(soon(run.result()).await.unwrap(), Err(Trouble::Late(_))));
    until(async || place.world.texts() == ["told"]).await;
    let run = engine.start("b", lingering(true)).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    until(async || place.world.texts() == ["told", "told"]).await;
}

async fn a_heartbeat_tells_of_a_cancel(place: Place) {
    let engine = build(builder(&place).await).await;
    let run = engine.start("a", working()).await.unwrap();
    until(async || place.world.texts() == ["works"]).await;
    run.cancel().await.unwrap();
    // It returns within its grace, and so does the workflow.
    let told = Trouble::Told("nobody waits for the step any more".to_owned());
    assert_eq!(soon(run.result()).await.unwrap(), Err(told));
}

async fn a_worker_hears_of_a_cancel_that_another_one_sent(place: Place) {
    let engine = build(builder(&place).await).await;
    let run = engine.start("a", working()).await.unwrap();
    until(async || place.world.texts() == ["works"]).await;
    let other = build(builder(&place).await).await;
    soon(other.shutdown()).await;
    other.cancel("a").await.unwrap();
    assert!(matches!(soon(run.result()).await.unwrap(), Err(Trouble::Told(_))));
}

async fn a_step_is_told_that_its_lease_is_lost(place: Place) {
    let restless = builder(&place).await.lease(Duration::from_millis(60));
    let one = build(restless).await;
    let run = one.start("a", working()).await.unwrap();
    until(async || place.world.texts() == ["works"]).await;
    let other = build(builder(&place).await.lease(Duration::from_millis(60))).await;
    until(async || {
        place.clock.advance(Duration::from_millis(100));
        place.world.texts().contains(&"lost".to_owned())
    })
    .await;
    drop((one, other));
    let last = build(builder(&place).await).await;
    last.cancel("a").await.unwrap();
    drop(run);
    let run = last.run::<Working>("a").await.unwrap();
    match passing(&place, run.result()).await {
        Ok(Err(Trouble::Told(_))) | Err(ResultError::Cancelled { .. }) => {}
        other => panic!("{other:?}"),
    }
}

async fn a_signal_under_a_key_is_taken_once(place: Place) {
    let engine = build(builder(&place).await).await;
    let run = engine.start("a", hearing()).await.unwrap();
    for _ in 0..3 {
        run.signal_once("mail-7", Word("one".to_owned())).await.unwrap();
        engine.signal_json_once("a", "mail-7", "Word", &Word("one".to_owned())).await.unwrap();
    }
    assert_eq!(passing(&place, run.result()).await.unwrap(), ["one"]);
    let run = engine.start("b", hearing()).await.unwrap();
    run.signal_once("mail-7", Word("one".to_owned())).await.unwrap();
    run.signal_once("mail-8", Word("two".to_owned())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), ["one", "two"]);
}

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

impl Observer for Diary {
    fn told(&self, event: &Event) {
        match event {
            Event::Attempting(attempting) => {
                let cx = &attempting.context;
                self.note(format!("{} {} {} {}", cx.run_id(), cx.workflow(), cx.step(), cx.attempt()));
            }
            Event::Attempted(attempted) => {
                self.note(format!("{}, again: {}", attempted.outcome, attempted.again.is_some()));
            }
            _ => {}
        }
    }
}

/// Panics whatever it is told.
struct Nervous;

impl Observer for Nervous {
    fn told(&self, event: &Event) {
        panic!("it was told of {event:?}")
    }
}

async fn an_observer_that_panics_harms_nobody(place: Place) {
    let diary = Diary::default();
    let engine = build(builder(&place).await.observe(Nervous).observe(diary.clone())).await;
    let run = engine.start("a", hesitating(0)).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Ok(1));
    engine.shutdown().await;
    assert_eq!(diary.0.lock().unwrap().len(), 2, "the others are told");
}

async fn observers_are_told_of_attempts(place: Place) {
    let diary = Diary::default();
    let engine = build(builder(&place).await.observe(diary.clone())).await;
    let run = engine.start("a", hesitating(1)).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap(), Ok(2));
    engine.shutdown().await;
    let told = diary.0.lock().unwrap().clone();
    let expected = [
        "a hesitating hesitate 1",
        "timed_out, again: true",
        "a hesitating hesitate 2",
        "returned, again: false",
    ];
    assert_eq!(told, expected);
}
