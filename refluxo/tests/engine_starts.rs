//! Runs that are started later, and starts that tell what they did.

mod support;

use std::time::Duration;

use refluxo::{
    engine::{ResultError, StartError},
    snapshot::RunStatus,
};
use support::{
    Place,
    script::{Line, Word, script},
    soon, step, until,
};

everywhere! {
    a_run_begins_at_its_time,
    what_comes_before_its_time_does_not_begin_a_run,
    a_run_may_be_cancelled_before_its_time,
    a_time_that_has_passed_is_now,
    a_start_tells_whether_it_created_the_run,
}

const HOUR: Duration = Duration::from_hours(1);

async fn a_run_begins_at_its_time(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one")])).after(HOUR).await.unwrap();
    let snapshot = run.snapshot().await.unwrap();
    assert_eq!((snapshot.status, snapshot.at.as_str()), (RunStatus::Waiting, "Start"));
    let due = engine.runs().page(1).await.unwrap().runs[0].due;
    assert_eq!(due, Some(snapshot.created_at.saturating_add(HOUR)));
    place.clock.advance(Duration::from_secs(3_599));
    // Another engine begins with a look at all that is due.
    let _other = place.patient_engine().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(place.world.texts(), [""; 0]);
    place.clock.advance(Duration::from_secs(1));
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(place.world.texts(), ["one"]);
}

async fn what_comes_before_its_time_does_not_begin_a_run(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one"), Line::Listen])).after(HOUR).await.unwrap();
    run.signal(Word("early".to_owned())).await.unwrap();
    run.pause().await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Paused).await;
    run.resume().await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    assert_eq!(place.world.texts(), [""; 0]);
    place.clock.advance(HOUR);
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one", "early"]);
}

async fn a_run_may_be_cancelled_before_its_time(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one")])).after(HOUR).await.unwrap();
    run.cancel().await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.texts(), [""; 0]);
}

async fn a_time_that_has_passed_is_now(place: Place) {
    let engine = place.patient_engine().await;
    let before = engine.start("first", script([])).await.unwrap().snapshot().await.unwrap().created_at;
    place.clock.advance(HOUR);
    let run = engine.start("a", script([step("one")])).at(before).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
}

async fn a_start_tells_whether_it_created_the_run(place: Place) {
    let (first, second) = (place.patient_engine().await, place.patient_engine().await);
    let (run, is_new) = first.start("a", script([step("one")])).created().await.unwrap();
    assert!(is_new);
    assert!(!second.start("a", script([step("one")])).created().await.unwrap().1);
    soon(run.result()).await.unwrap().unwrap();
    assert!(!first.start("a", script([step("one")])).created().await.unwrap().1, "nor after its end");
    assert!(
        first.start("b", script([])).after(HOUR).created().await.unwrap().1,
        "one that begins later is there"
    );
    let other = second.start("a", script([step("two")])).created().await;
    assert!(matches!(other, Err(StartError::OtherArguments { .. })));
}
