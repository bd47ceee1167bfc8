//! What the engine does with time, measured in virtual time: pauses between attempts, limits, branches side by side.
#![cfg(feature = "testing")]

use std::time::Duration;

use refluxo::{
    engine::ResultError,
    machine::Machine,
    prelude::*,
    snapshot::ParkReason,
    testing::{CallEnd, Recording, TestBuilder, TestEngine, crash_everywhere},
};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Trouble {
    Busy,
    Broken,
    TimedOut(TimedOut),
}

impl From<TimedOut> for Trouble {
    fn from(late: TimedOut) -> Self {
        Self::TimedOut(late)
    }
}

impl Trouble {
    fn is_transient(&self) -> bool {
        *self != Self::Broken
    }
}

#[step(retry(attempts = 4, backoff = "constant", initial = "3s", jitter = false))]
async fn constant() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(retry(attempts = 4, backoff = "linear", initial = "3s", jitter = false))]
async fn linear() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(retry(attempts = 6, backoff = "exponential", initial = "3s", max = "20s", jitter = false))]
async fn exponential() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(retry(attempts = 100, backoff = "constant", initial = "10s", jitter = false, total = "35s"))]
async fn limited() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(retry(attempts = 4, initial = "8s", max = "8s"))]
async fn jittered() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(retry(attempts = 4, initial = "30d", max = "30d", if = Trouble::is_transient))]
async fn picky() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(retry(attempts = 3, backoff = "constant", initial = "1s", jitter = false), timeout = "5s")]
async fn hurried() -> Result<u32, Trouble> {
    Ok(1)
}

#[step(concurrency = 2)]
async fn narrow(n: u64) -> u64 {
    tokio::time::sleep(Duration::from_secs(10)).await;
    n
}

#[step]
async fn slow(n: u64, secs: u64) -> u64 {
    tokio::time::sleep(Duration::from_secs(secs)).await;
    n
}

#[derive(Debug, Serialize, Deserialize, Signal)]
struct Stop;

#[workflow]
async fn constantly() -> Result<u32, Trouble> {
    constant().await
}

#[workflow]
async fn linearly() -> Result<u32, Trouble> {
    linear().await
}

#[workflow]
async fn exponentially() -> Result<u32, Trouble> {
    exponential().await
}

#[workflow]
async fn limitedly() -> Result<u32, Trouble> {
    limited().await
}

#[workflow]
async fn with_jitter() -> Result<u32, Trouble> {
    jittered().await
}

#[workflow]
async fn pickily() -> Result<u32, Trouble> {
    picky().await
}

#[workflow]
async fn hurriedly() -> Result<u32, Trouble> {
    hurried().await
}

#[workflow]
async fn narrowly(n: u64) -> u64 {
    join_all!(for n in 0..n => narrow(n)).into_iter().sum()
}

#[workflow]
async fn a_few_at_a_time(secs: Vec<u64>) -> u64 {
    join_all!(for s in secs => slow(s, s), limit = 2).into_iter().sum()
}

/// The other arm goes on while this one waits for its next attempt.
#[workflow]
async fn retries_beside_a_signal() -> Result<u32, Trouble> {
    select! {
        n = picky() => n,
        Stop = signal::<Stop>() => Ok(0),
    }
}

/// One branch waits for its next attempt while the other one works.
#[workflow]
async fn retries_beside_a_step() -> Result<u64, Trouble> {
    let (a, b) = join!(linear(), slow(5, 7));
    Ok(u64::from(a?) + b)
}

/// One arm ends at the time at which an attempt of the other one fails that could be made again.
#[workflow]
async fn races_with_a_failure() -> u64 {
    select! {
        n = slow(7, 5) => n,
        _n = hurried() => 0,
    }
}

/// Runs a workflow to its end.
async fn run<M: Machine>(builder: TestBuilder, workflow: M) -> (Result<M::Output, ResultError>, Recording) {
    let engine = builder.register::<M>().build().await;
    let run = engine.start("run", workflow).await.unwrap();
    (engine.end_of(&run).await, engine.recorded())
}

/// The seconds after which each attempt of a step began, counted from the first one.
fn seconds(recorded: &Recording, step: &str) -> Vec<u64> {
    let first = recorded.of(step).next().unwrap().began;
    recorded.of(step).map(|call| call.began.saturating_since(first).as_secs()).collect()
}

/// The bank is busy for so many attempts.
fn busy<S>(attempts: u32) -> TestBuilder
where
    S: refluxo::suspend::Step<Output = Result<u32, Trouble>>,
{
    TestEngine::builder().fail_first::<S>(attempts, || Err(Trouble::Busy))
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_as_they_are_told() {
    let (result, recorded) = run(busy::<constant>(3), constantly()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "constant")), (Ok(1), vec![0, 3, 6, 9]));
    let (result, recorded) = run(busy::<linear>(3), linearly()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "linear")), (Ok(1), vec![0, 3, 9, 18]));
    let (result, recorded) = run(busy::<exponential>(5), exponentially()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "exponential")), (Ok(1), vec![0, 3, 9, 21, 41, 61]));
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_the_workflow_gets_the_error() {
    let (result, recorded) = run(busy::<constant>(9), constantly()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "constant")), (Err(Trouble::Busy), vec![0, 3, 6, 9]));
}

#[tokio::test(start_paused = true)]
async fn no_attempt_begins_after_the_total_time() {
    let (result, recorded) = run(busy::<limited>(99), limitedly()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "limited")), (Err(Trouble::Busy), vec![0, 10, 20, 30]));
}

#[tokio::test(start_paused = true)]
async fn jitter_shortens_a_pause_by_up_to_a_half() {
    let (_, recorded) = run(busy::<jittered>(3), with_jitter()).await;
    let began: Vec<_> = recorded.of("jittered").map(|call| call.began).collect();
    for pause in began.windows(2).map(|two| two[1].saturating_since(two[0])) {
        assert!((Duration::from_secs(4)..=Duration::from_secs(8)).contains(&pause), "{pause:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_predicate_is_against_is_not_tried_again() {
    let broken = TestEngine::builder().fail_first::<picky>(9, || Err(Trouble::Broken));
    let (result, recorded) = run(broken, pickily()).await;
    assert_eq!((result.unwrap(), recorded.count("picky")), (Err(Trouble::Broken), 1));
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_dropped_and_tried_again() {
    let (result, recorded) = run(TestEngine::builder().hang_first::<hurried>(2), hurriedly()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "hurried")), (Ok(1), vec![0, 6, 12]));
    assert_eq!(recorded.calls[0].end.unwrap().1, CallEnd::Dropped);

    let (result, _) = run(TestEngine::builder().hang_first::<hurried>(9), hurriedly()).await;
    let Err(Trouble::TimedOut(late)) = result.unwrap() else { panic!("it can't end") };
    assert_eq!((late.step.as_str(), late.after), ("hurried", Duration::from_secs(5)));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failed_attempt() {
    let (result, recorded) = run(TestEngine::builder().panic_first::<constant>(2), constantly()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "constant")), (Ok(1), vec![0, 3, 6]));
    let (result, _) = run(TestEngine::builder().panic_first::<constant>(9), constantly()).await;
    let Err(ResultError::Parked { reason: ParkReason::StepPanicked { step, .. }, .. }) = result else {
        panic!("it is not parked: {result:?}")
    };
    assert_eq!(step, "constant");
}

#[tokio::test(start_paused = true)]
async fn a_steps_own_limit_holds_over_branches_and_runs() {
    let engine = TestEngine::builder().register::<Narrowly>().build().await;
    for id in ["a", "b"] {
        engine.start(id, narrowly(3)).await.unwrap();
    }
    for id in ["a", "b"] {
        let run = engine.run::<Narrowly>(id).await.unwrap();
        assert_eq!(engine.end_of(&run).await.unwrap(), 3);
    }
    let mut ends: Vec<_> = engine.recorded().calls.iter().map(|call| call.end.unwrap().0).collect();
    ends.sort();
    let seconds: Vec<_> = ends.iter().map(|end| end.saturating_since(ends[0]).as_secs()).collect();
    assert_eq!(seconds, [0, 0, 10, 10, 20, 20]);
}

#[tokio::test(start_paused = true)]
async fn the_next_item_begins_when_any_of_those_at_work_has_ended() {
    let (result, recorded) = run(TestEngine::builder(), a_few_at_a_time(vec![10, 1, 2, 3, 5])).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "slow")), (21, vec![0, 0, 1, 3, 6]));
}

#[tokio::test(start_paused = true)]
async fn a_signal_comes_while_the_other_arm_waits_for_its_next_attempt() {
    let engine = busy::<picky>(9).register::<RetriesBesideASignal>().build().await;
    let run = engine.start("run", retries_beside_a_signal()).await.unwrap();
    engine.advance(Duration::from_hours(24)).await;
    run.signal(Stop).await.unwrap();
    assert_eq!(engine.end_of(&run).await.unwrap(), Ok(0));
    assert_eq!(engine.recorded().count("picky"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_branch_waits_for_its_next_attempt_while_another_one_works() {
    let (result, recorded) = run(busy::<linear>(3), retries_beside_a_step()).await;
    assert_eq!((result.unwrap(), seconds(&recorded, "linear")), (Ok(6), vec![0, 3, 9, 18]));
    assert_eq!(recorded.count("slow"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_as_the_race_is_lost_is_not_made_again() {
    let (result, recorded) =
        run(TestEngine::builder().hang_first::<hurried>(9), races_with_a_failure()).await;
    assert_eq!((result.unwrap(), recorded.count("hurried")), (7, 1));
}

#[tokio::test(start_paused = true)]
async fn attempts_are_counted_over_crashes() {
    for repeated in [
        crash_everywhere(linearly).world(|| busy::<linear>(2)).await.repeated,
        crash_everywhere(linearly).world(|| busy::<linear>(9)).await.repeated,
    ] {
        assert_eq!(repeated, ["linear"]);
    }
    let report = crash_everywhere(retries_beside_a_step).world(|| busy::<linear>(2)).await;
    assert_eq!(report.repeated, ["linear", "slow"]);
}
