//! Schedules in virtual time: ticks, clock changes, overlaps, what is missed, and what operators want.
#![cfg(all(feature = "schedule", feature = "testing"))]

use std::time::Duration;

use refluxo::{
    prelude::*,
    schedule::{CatchUp, Overlap, Schedule, ScheduleError, ScheduleHandle},
    store::Status,
    testing::{TestBuilder, TestEngine},
    time::Timestamp,
};

/// When a test begins.
const START: &str = "2026-01-01T00:00:00Z";

#[step]
async fn begin(word: String) {
    drop(word);
}

/// Takes so many seconds.
#[workflow]
async fn job(word: String, secs: u64) -> u64 {
    begin(word).await;
    sleep(Duration::from_secs(secs)).await;
    secs
}

#[workflow]
async fn other() {
    sleep(Duration::from_secs(1)).await;
}

fn world() -> TestBuilder {
    TestEngine::builder().register::<Job>()
}

fn work(secs: u64) -> Job {
    job("a".to_owned(), secs)
}

fn every(secs: u64) -> Schedule {
    Schedule::every(Duration::from_secs(secs)).unwrap()
}

async fn seconds(engine: &TestEngine, secs: u64) {
    engine.advance(Duration::from_secs(secs)).await;
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The second in which each run began, with the tick in its id: the word after the `@`.
fn begun(engine: &TestEngine) -> Vec<(u64, String)> {
    let second = |at: Timestamp| at.saturating_since(time(START)).as_secs();
    let tick = |run: &str| run.split_once('@').unwrap().1.to_owned();
    engine.recorded().of("begin").map(|call| (second(call.began), tick(&call.run))).collect()
}

/// The seconds in which runs began.
fn starts(engine: &TestEngine) -> Vec<u64> {
    begun(engine).into_iter().map(|(second, _)| second).collect()
}

/// A schedule of ten seconds, whose runs take 24, for a minute.
async fn overlapping(overlap: Overlap) -> (TestEngine, ScheduleHandle) {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(10).overlap(overlap), work(24)).await.unwrap();
    seconds(&engine, 61).await;
    (engine, handle)
}

/// A schedule of ten seconds for whose ticks at 20 to 60 there is no worker: one comes at 65.
async fn away(schedule: Schedule) -> (TestEngine, ScheduleHandle) {
    let engine = world().build().await;
    engine.schedule("s", schedule, work(1)).await.unwrap();
    seconds(&engine, 15).await;
    engine.shutdown().await;
    // Not at the moment of another tick's end.
    engine.advance(Duration::from_millis(50_500)).await;
    let engine = engine.crash().await;
    seconds(&engine, 6).await;
    let handle = engine.schedule_handle("s").unwrap();
    (engine, handle)
}

#[tokio::test(start_paused = true)]
async fn each_tick_starts_one_run_under_its_own_id() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(60), work(1)).await.unwrap();
    seconds(&engine, 200).await;
    let tick = |minute: u64| (60 * minute, format!("2026-01-01T00:0{minute}:00Z"));
    assert_eq!(begun(&engine), [tick(1), tick(2), tick(3)]);
    let run: Run<Job> = engine.run("s@2026-01-01T00:02:00Z").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 1);

    let told = handle.describe().await.unwrap();
    assert_eq!((told.name.as_str(), told.workflow.as_str(), told.started), ("s", "job", 3));
    assert_eq!(told.next[..2], [time("2026-01-01T00:04:00Z"), time("2026-01-01T00:05:00Z")]);
    let last = &told.recent[0];
    assert_eq!((last.run.as_str(), last.status), ("s@2026-01-01T00:03:00Z", Some(Status::Completed)));
    assert_eq!(last.tick, Some(time("2026-01-01T00:03:00Z")));
}

#[tokio::test(start_paused = true)]
async fn a_day_is_as_long_as_the_clock_of_the_zone_says() {
    let engine = world().starting_at(time("2026-03-27T12:00:00Z")).build().await;
    let schedule = Schedule::cron("30 2 * * *").unwrap().zone("Europe/Berlin").unwrap();
    engine.schedule("s", schedule, work(1)).await.unwrap();
    seconds(&engine, 4 * 86_400).await;
    let ticks: Vec<_> = begun(&engine).into_iter().map(|(_, tick)| tick).collect();
    // On the 29th clocks go from 2:00 to 3:00, which is 1:00 in UTC.
    assert_eq!(
        ticks,
        ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"]
    );
}

#[tokio::test(start_paused = true)]
async fn overlapping_runs_are_allowed() {
    let (engine, handle) = overlapping(Overlap::Allow).await;
    assert_eq!(starts(&engine), [10, 20, 30, 40, 50, 60]);
    assert_eq!(handle.describe().await.unwrap().skipped, 0);
}

#[tokio::test(start_paused = true)]
async fn overlapping_ticks_are_skipped() {
    let (engine, handle) = overlapping(Overlap::Skip).await;
    assert_eq!(starts(&engine), [10, 40]);
    let told = handle.describe().await.unwrap();
    assert_eq!((told.skipped, told.at_work.unwrap().as_str()), (4, "s@2026-01-01T00:00:40Z"));
}

#[tokio::test(start_paused = true)]
async fn one_overlapping_tick_is_buffered() {
    let (engine, handle) = overlapping(Overlap::BufferOne).await;
    let tick = |second: u64, tick: u64| (second, format!("2026-01-01T00:00:{tick}Z"));
    // That of 30 comes while that of 20 waits, and that of 50 while that of 40 does.
    assert_eq!(begun(&engine), [tick(10, 10), tick(34, 20), tick(58, 40)]);
    let told = handle.describe().await.unwrap();
    assert_eq!((told.skipped, told.waiting), (2, Some(time("2026-01-01T00:01:00Z"))));
}

#[tokio::test(start_paused = true)]
async fn the_other_run_is_cancelled_or_aborted() {
    for overlap in [Overlap::CancelOther, Overlap::AbortOther] {
        let (engine, handle) = overlapping(overlap).await;
        assert_eq!(starts(&engine), [10, 20, 30, 40, 50, 60]);
        let statuses: Vec<_> =
            handle.describe().await.unwrap().recent.iter().map(|run| run.status.unwrap()).collect();
        assert_eq!(statuses[0], Status::Waiting);
        assert!(statuses[1..].iter().all(|status| *status == Status::Cancelled), "{statuses:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_missed_is_left_out() {
    // That of 60 is five seconds late, so it was not missed.
    let (engine, _) = away(every(10).catch_up(CatchUp::None)).await;
    assert_eq!(starts(&engine), [10, 65, 70]);
    let engine = world().build().await;
    // At 400 and 1400.
    engine.schedule("s", every(1_000).catch_up(CatchUp::None), work(1)).await.unwrap();
    engine.shutdown().await;
    seconds(&engine, 1_100).await;
    let engine = engine.crash().await;
    seconds(&engine, 1_000).await;
    assert_eq!(starts(&engine), [1_400]);
}

#[tokio::test(start_paused = true)]
async fn the_latest_that_was_missed_is_made_up() {
    let (engine, _) = away(every(10).catch_up(CatchUp::Latest)).await;
    assert_eq!(begun(&engine)[1], (65, "2026-01-01T00:01:00Z".to_owned()));
    assert_eq!(starts(&engine), [10, 65, 70]);
    for (window, expected) in [(701, vec![1_100, 1_400]), (699, vec![1_400])] {
        let engine = world().build().await;
        let schedule = every(1_000).catch_up_window(Duration::from_secs(window));
        engine.schedule("s", schedule, work(1)).await.unwrap();
        engine.shutdown().await;
        seconds(&engine, 1_100).await;
        let engine = engine.crash().await;
        seconds(&engine, 1_000).await;
        assert_eq!(starts(&engine), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn all_that_was_missed_is_made_up() {
    let schedule = every(10).catch_up(CatchUp::All);
    let (engine, _) = away(schedule.clone().overlap(Overlap::Allow)).await;
    assert_eq!(starts(&engine), [10, 65, 65, 65, 65, 65, 70]);
    // One after another, and the tick of 70 finds the last but one at work.
    let (engine, handle) = away(schedule.clone()).await;
    seconds(&engine, 10).await;
    assert_eq!(starts(&engine), [10, 65, 66, 67, 68, 69, 80]);
    assert_eq!(handle.describe().await.unwrap().skipped, 1);
    let (engine, _) = away(schedule.overlap(Overlap::Allow).catch_up_window(Duration::from_secs(30))).await;
    let ticks: Vec<_> = begun(&engine).into_iter().map(|(_, tick)| tick).collect();
    assert_eq!(ticks[1..3], ["2026-01-01T00:00:40Z", "2026-01-01T00:00:50Z"]);
}

#[tokio::test(start_paused = true)]
async fn ticks_in_a_pause_are_left_out_and_orders_are_not() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(10), work(1)).await.unwrap();
    seconds(&engine, 15).await;
    handle.pause().by("eve").reason("holidays").await.unwrap();
    seconds(&engine, 40).await;
    let told = handle.describe().await.unwrap();
    let paused = told.paused.unwrap();
    assert_eq!((paused.by.as_deref(), paused.reason.as_deref()), (Some("eve"), Some("holidays")));
    assert_eq!(told.next, []);
    // The same call at the start of a program leaves a pause alone.
    engine.schedule("s", every(10), work(1)).await.unwrap();
    let run = handle.trigger().by("adam").await.unwrap();
    seconds(&engine, 5).await;
    assert_eq!(engine.run::<Job>(run.as_str()).await.unwrap().result().await.unwrap(), 1);
    handle.resume().await.unwrap();
    seconds(&engine, 12).await;
    assert_eq!(starts(&engine), [10, 55, 70]);
    let orders: Vec<_> =
        handle.describe().await.unwrap().orders.into_iter().map(|order| order.what).collect();
    assert_eq!(orders, ["resume".to_owned(), format!("trigger {run}"), "pause".to_owned()]);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_dropped_by_a_pause() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(10).overlap(Overlap::BufferOne), work(25)).await.unwrap();
    seconds(&engine, 22).await;
    handle.pause().await.unwrap();
    seconds(&engine, 100).await;
    assert_eq!(starts(&engine), [10]);
}

#[tokio::test(start_paused = true)]
async fn a_trigger_waits_for_the_run_at_work() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(1_000), work(25)).await.unwrap();
    let first = handle.trigger().await.unwrap();
    let second = handle.trigger().await.unwrap();
    assert_ne!(first, second);
    assert_eq!(handle.describe().await.unwrap().triggered.len(), 2);
    seconds(&engine, 100).await;
    assert_eq!(starts(&engine), [0, 25]);

    let engine = world().build().await;
    let handle = engine.schedule("s", every(1_000).overlap(Overlap::Allow), work(25)).await.unwrap();
    handle.trigger().await.unwrap();
    handle.trigger().await.unwrap();
    seconds(&engine, 100).await;
    assert_eq!(starts(&engine), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_backfill_makes_up_what_has_no_run() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(10), work(1)).await.unwrap();
    seconds(&engine, 25).await;
    handle.pause().await.unwrap();
    seconds(&engine, 30).await;
    // From the tick of 20, which has its run, to that of 50, which is not part of it.
    let (from, to) = (time("2026-01-01T00:00:20Z"), time("2026-01-01T00:00:50Z"));
    handle.backfill(from, to).await.unwrap();
    seconds(&engine, 10).await;
    let tick = |second: u64, tick: u64| (second, format!("2026-01-01T00:00:{tick}Z"));
    assert_eq!(begun(&engine), [tick(10, 10), tick(20, 20), tick(55, 30), tick(56, 40)]);
    assert_eq!(handle.describe().await.unwrap().making_up, []);

    let nothing = handle.backfill(to, from).await.unwrap_err();
    assert!(matches!(nothing, ScheduleError::Backfill { .. }), "{nothing}");
    let to_come = handle.backfill(from, time("2026-02-01T00:00:00Z")).await.unwrap_err();
    assert!(to_come.to_string().contains("what is to come"), "{to_come}");
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_was_deleted_ends_and_can_be_made_anew() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(10), work(25)).await.unwrap();
    seconds(&engine, 15).await;
    handle.delete().by("eve").await.unwrap();
    assert!(matches!(handle.describe().await, Err(ScheduleError::Unknown { .. })));
    assert!(matches!(handle.pause().await, Err(ScheduleError::Unknown { .. })));
    // Its run goes on, while there is another schedule of that name.
    let handle = engine.schedule("s", every(30), work(1)).await.unwrap();
    seconds(&engine, 30).await;
    assert_eq!(starts(&engine), [10, 30]);
    let run: Run<Job> = engine.run("s@2026-01-01T00:00:10Z").await.unwrap();
    assert_eq!(run.result().await.unwrap(), 25);

    handle.delete().await.unwrap();
    seconds(&engine, 100).await;
    assert_eq!(starts(&engine), [10, 30]);
    assert!(engine.schedules().await.unwrap().is_empty());
    assert!(matches!(handle.trigger().await, Err(ScheduleError::Unknown { .. })));
    // An operator may end it as any run.
    engine.schedule("s", every(30), work(1)).await.unwrap();
    engine.cancel(handle.run_id()).await.unwrap();
    seconds(&engine, 1).await;
    engine.schedule("s", every(30), work(1)).await.unwrap();
    seconds(&engine, 60).await;
    assert_eq!(engine.schedules().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_same_call_changes_nothing_and_another_one_updates() {
    let engine = world().build().await;
    let handle = engine.schedule("s", every(10), work(1)).await.unwrap();
    seconds(&engine, 12).await;
    let before = engine.snapshot(handle.run_id()).await.unwrap();
    engine.schedule("s", every(10), work(1)).await.unwrap();
    seconds(&engine, 1).await;
    let after = engine.snapshot(handle.run_id()).await.unwrap();
    assert_eq!((before.revision, before.inbox.len()), (after.revision, after.inbox.len()));

    engine.schedule("s", every(10), job("b".to_owned(), 1)).await.unwrap();
    // Asked for before a worker has heeded the first.
    engine.schedule("s", every(15), job("c".to_owned(), 1)).await.unwrap();
    assert_eq!(handle.describe().await.unwrap().schedule, every(15));
    seconds(&engine, 20).await;
    assert_eq!(starts(&engine), [10, 15, 30]);
    let words: Vec<_> = engine.recorded().of("begin").map(|call| call.arguments["word"].clone()).collect();
    assert_eq!(words, ["a", "c", "c"]);
}

#[tokio::test(start_paused = true)]
async fn jitter_delays_each_run_by_the_same_time_everywhere() {
    let mut seen = Vec::new();
    for name in ["one", "one", "two"] {
        let engine = world().build().await;
        let schedule = every(100).jitter(Duration::from_secs(50));
        engine.schedule(name, schedule, work(1)).await.unwrap();
        seconds(&engine, 1_000).await;
        let delays: Vec<_> = starts(&engine).into_iter().map(|second| second % 100).collect();
        assert!(delays.iter().all(|delay| *delay < 50), "{delays:?}");
        seen.push(delays);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    assert!(seen[0].iter().any(|delay| *delay != seen[0][0]));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_parked_is_at_work() {
    let engine = world().panic_first::<begin>(1).build().await;
    engine.schedule("s", every(10), work(1)).await.unwrap();
    seconds(&engine, 35).await;
    assert_eq!(starts(&engine), [10]);
    engine.retry("s@2026-01-01T00:00:10Z").await.unwrap();
    seconds(&engine, 10).await;
    // Parked runs are tried from the first attempt on, so the mock lets this one through only now.
    let parked = engine.snapshot("s@2026-01-01T00:00:10Z").await.unwrap();
    assert!(parked.status.to_string() != "parked", "{parked:?}");
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_there_already_holds_nothing_up() {
    let engine = world().build().await;
    // Somebody took the id of the first tick, with something that goes on.
    engine.start("s@2026-01-01T00:00:10Z", work(15)).await.unwrap();
    let handle = engine.schedule("s", every(10), work(1)).await.unwrap();
    seconds(&engine, 35).await;
    // It counts as that tick's run, as long as it is at work.
    assert_eq!(starts(&engine), [0, 20, 30]);
    let snapshot = engine.snapshot(handle.run_id()).await.unwrap();
    assert_eq!(snapshot.error, None);
}

#[tokio::test(start_paused = true)]
async fn nothing_grows_with_the_ticks() {
    let engine = world().build().await;
    let schedule = every(1).overlap(Overlap::Skip);
    let handle = engine.schedule("s", schedule, work(0)).await.unwrap();
    let mut sizes = Vec::new();
    for _ in 0..2 {
        seconds(&engine, 120).await;
        let snapshot = engine.snapshot(handle.run_id()).await.unwrap();
        assert!(snapshot.inbox.is_empty());
        sizes.push(serde_json::to_string(&snapshot).unwrap().len());
    }
    assert!(handle.describe().await.unwrap().started >= 239);
    // But for the digits of its counters.
    assert!(sizes[1] < sizes[0] + 10, "{sizes:?}");
}

#[tokio::test(start_paused = true)]
async fn schedules_are_listed() {
    let engine = world().build().await;
    engine.schedule("s", every(10), work(1)).await.unwrap();
    engine.schedule("t", every(7), work(1)).await.unwrap();
    let names: Vec<_> = engine.schedules().await.unwrap().iter().map(|s| s.name().to_owned()).collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"s".to_owned()) && names.contains(&"t".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_a_schedule_is_refused() {
    let engine = world().build().await;
    let refused = |result: Result<ScheduleHandle, ScheduleError>| result.unwrap_err().to_string();
    let unknown = engine.schedule("s", every(1), other()).await;
    assert!(refused(unknown).contains("`other` can't be scheduled: add `.register"));
    let long = "x".repeat(151);
    assert!(refused(engine.schedule(&long, every(1), work(1)).await).contains("151"));
    assert!(refused(engine.schedule("", every(1), work(1)).await).contains("empty"));
    engine.start("schedule/s", work(1)).await.unwrap();
    assert!(
        refused(engine.schedule("s", every(1), work(1)).await).contains("no schedule: choose another name")
    );
    let nobody = engine.schedule_handle("nobody").unwrap();
    assert!(matches!(nobody.describe().await, Err(ScheduleError::Unknown { .. })));
    assert!(matches!(nobody.trigger().await, Err(ScheduleError::Unknown { .. })));
}
