//! The engine for tests: virtual time, stand-ins, recordings, crashes.
#![cfg(feature = "testing")]

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use refluxo::{
    engine::ResultError,
    prelude::*,
    testing::{CallEnd, TestEngine, crash_everywhere},
};
use serde_json::json;

const DAY: Duration = Duration::from_hours(24);

#[derive(Clone, Debug, Serialize, Deserialize, Signal)]
struct Answer(u32);

/// Doubles.
#[step]
async fn double(n: u32) -> Result<u32, String> {
    Ok(n * 2)
}

/// What counts how often the door was knocked at.
#[derive(Clone, Default)]
struct Door(Arc<AtomicU32>);

/// Knocks.
#[step]
async fn knock(#[inject] door: &Door) -> u32 {
    door.0.fetch_add(1, Ordering::Relaxed) + 1
}

/// Takes an hour.
#[step]
async fn ponder() -> u32 {
    tokio::time::sleep(DAY / 24).await;
    42
}

#[workflow]
async fn reminds(rounds: u32) -> Result<u32, String> {
    let mut sum = 0;
    for round in 0..rounds {
        sleep(DAY).await;
        sum += double(round).await?;
    }
    Ok(sum)
}

#[workflow]
async fn knocks() -> u32 {
    let first = knock().await;
    sleep(DAY).await;
    let second = knock().await;
    first * 10 + second
}

#[workflow]
async fn ponders() -> u32 {
    ponder().await
}

#[workflow]
async fn asks() -> u32 {
    let Answer(n) = signal::<Answer>().await;
    n
}

#[tokio::test(start_paused = true)]
async fn a_month_takes_no_time() {
    let real = Instant::now();
    let engine = TestEngine::builder().register::<Reminds>().build().await;
    let begun = engine.now();
    let run = engine.start("month", reminds(30)).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Ok(870));
    assert_eq!(engine.now().saturating_since(begun), 30 * DAY);
    assert!(real.elapsed() < Duration::from_secs(5), "{:?}", real.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_thousand_runs_wake_at_their_own_times() {
    let engine = TestEngine::builder().register::<Reminds>().build().await;
    let begun = engine.now();
    for n in 0..1_000 {
        engine.start(format!("run-{n}"), reminds(n % 7)).await.unwrap();
        engine.advance(Duration::from_secs(1)).await;
    }
    for n in 0..1_000 {
        let run = engine.run::<Reminds>(format!("run-{n}")).await.unwrap();
        assert!(run.result().await.unwrap().is_ok());
    }
    let recorded = engine.recorded();
    assert_eq!(recorded.count("double"), (0..1_000).map(|n| n % 7).sum::<usize>());
    for call in recorded.of("double") {
        let number: u32 = call.run.trim_start_matches("run-").parse().unwrap();
        let round = u32::try_from(call.arguments["n"].as_u64().unwrap()).unwrap();
        let due = Duration::from_secs(number.into()) + (round + 1) * DAY;
        assert_eq!(call.began.saturating_since(begun), due, "{call:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_step_may_sleep_in_virtual_time() {
    let engine = TestEngine::builder().register::<Ponders>().build().await;
    let run = engine.start("run", ponders()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 42);
    let recorded = engine.recorded();
    let call = recorded.of("ponder").next().unwrap();
    let (ended, end) = call.end.unwrap();
    assert_eq!((ended.saturating_since(call.began), end), (DAY / 24, CallEnd::Returned));
}

#[tokio::test(start_paused = true)]
async fn a_mock_gets_the_call_and_needs_no_resources() {
    let engine = TestEngine::builder()
        .register::<Knocks>()
        .register::<Reminds>()
        .mock::<knock>(|_call, context| async move { context.attempt() })
        .mock::<double>(|call, _| async move { if call.n < 2 { Ok(7) } else { Err("enough".to_owned()) } })
        .build()
        .await;
    let run = engine.start("knocks", knocks()).await.unwrap();
    assert_eq!(run.result().await.unwrap(), 11);
    let run = engine.start("reminds", reminds(5)).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Err("enough".into()));
    assert_eq!(engine.recorded().count("double"), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_mocked_alone_needs_no_resources() {
    let error = TestEngine::builder().register::<Knocks>().mock::<double>(|_, _| async { Ok(1) }).build();
    let panic = tokio::spawn(error).await.unwrap_err().into_panic();
    assert!(panic.downcast_ref::<String>().unwrap().contains("knock"));
}

#[tokio::test(start_paused = true)]
async fn the_first_attempts_fail_as_they_are_told() {
    let builder = || TestEngine::builder().register::<Reminds>();
    let engine = builder().fail_first::<double>(1, || Err("busy".into())).build().await;
    let run = engine.start("run", reminds(1)).await.unwrap();
    assert_eq!(run.result().await.unwrap(), Err("busy".into()));

    let engine = builder().panic_first::<double>(1).build().await;
    let run = engine.start("run", reminds(1)).await.unwrap();
    assert!(matches!(run.result().await, Err(ResultError::Parked { .. })));
    assert_eq!(engine.recorded().calls[0].end.unwrap().1, CallEnd::Panicked);

    let engine = builder().hang_first::<double>(1).build().await;
    let run = engine.start("run", reminds(1)).await.unwrap();
    assert!(tokio::time::timeout(2 * DAY, run.result()).await.is_err());
    assert_eq!(engine.recorded().calls[0].end, None);
}

#[tokio::test(start_paused = true)]
async fn a_recording_tells_calls_and_states() {
    let engine = TestEngine::builder().register::<Reminds>().build().await;
    let run = engine.start("run", reminds(2)).await.unwrap();
    run.result().await.unwrap().unwrap();
    let recorded = engine.recorded();
    assert_eq!(recorded.states("run").collect::<Vec<_>>(), ["Sleep", "Double", "Sleep", "Double", "Double"]);
    let arguments: Vec<_> = recorded.calls.iter().map(|call| (call.step, call.arguments.clone())).collect();
    assert_eq!(arguments, [("double", json!({"n": 0})), ("double", json!({"n": 1}))]);
    assert_ne!(recorded.calls[0].key, recorded.calls[1].key);
}

#[tokio::test(start_paused = true)]
async fn the_same_test_gives_the_same_keys() {
    let mut keys = Vec::new();
    for _ in 0..2 {
        let engine = TestEngine::builder().register::<Reminds>().build().await;
        for id in ["a", "b"] {
            engine.start(id, reminds(1)).await.unwrap().result().await.unwrap().unwrap();
        }
        let recorded = engine.recorded();
        keys.push(recorded.calls.into_iter().map(|call| call.key).collect::<Vec<_>>());
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0][0], keys[0][1]);
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_runs_go_on_where_they_were_stored() {
    let door = Door::default();
    let engine = TestEngine::builder().register::<Knocks>().provide(door.clone()).build().await;
    engine.start("run", knocks()).await.unwrap();
    engine.advance(DAY / 2).await;
    let engine = engine.crash().await;
    let run = engine.run::<Knocks>("run").await.unwrap();
    assert_eq!(engine.end_of(&run).await.unwrap(), 12);
    assert_eq!(door.0.load(Ordering::Relaxed), 2);
    assert_eq!(engine.recorded().count("knock"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_a_step_repeats_it_under_the_same_key() {
    let engine = TestEngine::builder().register::<Ponders>().build().await;
    engine.start("run", ponders()).await.unwrap();
    engine.advance(DAY / 48).await;
    let engine = engine.crash().await;
    let run = engine.run::<Ponders>("run").await.unwrap();
    assert_eq!(engine.end_of(&run).await.unwrap(), 42);
    let calls = engine.recorded().calls;
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].end.unwrap().1, CallEnd::Dropped);
    assert_eq!(calls[0].key, calls[1].key);
}

#[tokio::test(start_paused = true)]
async fn a_signal_that_is_sent_later_comes_later() {
    let engine = TestEngine::builder().register::<Asks>().build().await;
    let begun = engine.now();
    let run = engine.start("run", asks()).await.unwrap();
    let (answer, ()) = tokio::join!(engine.end_of(&run), async {
        engine.advance(3 * DAY).await;
        run.signal(Answer(5)).await.unwrap();
    });
    assert_eq!(answer.unwrap(), 5);
    assert_eq!(engine.now().saturating_since(begun), 3 * DAY);
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "the run `run` is at `Answer` and waits for what never comes: [{\"signal\":\"Answer\"}]"
)]
async fn what_never_comes_is_told() {
    let engine = TestEngine::builder().register::<Asks>().build().await;
    let run = engine.start("run", asks()).await.unwrap();
    let _ = engine.end_of(&run).await;
}

#[tokio::test]
#[should_panic(expected = "start_paused = true")]
async fn real_time_is_refused() {
    let _ = TestEngine::builder().build().await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_that_crashes_everywhere_ends_as_if_it_had_not() {
    let report = crash_everywhere(|| reminds(3)).await;
    assert_eq!((report.commits, report.crashes), (7, 14));
    assert_eq!(report.repeated, ["double"]);
}

#[tokio::test(start_paused = true)]
async fn a_script_survives_the_crashes() {
    let report = crash_everywhere(asks)
        .script(|_, run| async move {
            tokio::time::sleep(DAY).await;
            run.signal(Answer(5)).await.unwrap();
        })
        .await;
    assert_eq!((report.commits, report.crashes), (2, 4));
    assert!(report.repeated.is_empty());
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "`knocks` differs when its worker crashes before commit 1 of 4: it ends otherwise")]
async fn a_workflow_that_counts_its_repeats_is_found() {
    crash_everywhere(knocks).world(|| TestEngine::builder().provide(Door::default())).await;
}

#[tokio::test(start_paused = true)]
async fn a_step_that_uses_its_key_is_safe_to_repeat() {
    let report = crash_everywhere(knocks)
        .world(|| {
            let known = Arc::new(Mutex::new(Vec::new()));
            TestEngine::builder().mock::<knock>(move |_, context| {
                let key = context.idempotency_key().to_owned();
                let mut known = known.lock().unwrap();
                let number = known.iter().position(|other| *other == key).unwrap_or_else(|| {
                    known.push(key);
                    known.len() - 1
                });
                std::future::ready(u32::try_from(number).unwrap())
            })
        })
        .await;
    assert_eq!(report.repeated, ["knock"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_parked_is_parked_after_every_crash() {
    let world = || TestEngine::builder().panic_first::<double>(1);
    let report = crash_everywhere(|| reminds(1)).world(world).await;
    assert_eq!(report.repeated, ["double"]);
}
