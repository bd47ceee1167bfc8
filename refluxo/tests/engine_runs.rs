//! What becomes of runs when nothing goes wrong, and when their own code does.

mod support;

use std::time::Duration;

use refluxo::{
    engine::{NotAwaited, ReadError, ResultError, SignalError, StartError},
    snapshot::{ParkReason, RunStatus},
};
use support::{
    Place,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    runs_its_steps_in_order_and_gives_the_output,
    an_err_fails_the_run_and_is_its_result,
    a_start_repeated_is_the_same_run_started_once,
    a_start_with_other_arguments_is_told,
    comes_back_to_a_run_by_its_id,
    sleeps_until_the_clock_says_so_and_holds_no_task,
    takes_signals_in_order_whenever_they_came,
    a_signal_wakes_the_run_that_waits_for_it,
    a_child_is_a_run_of_its_own_and_its_output_comes_back,
    the_err_of_a_child_comes_back_as_its_output,
    a_panic_in_the_workflow_parks_the_run_where_it_was,
    a_panic_in_a_step_parks_the_run_before_it,
    a_state_that_has_no_json_parks_the_run_and_names_the_field,
    a_large_stable_field_is_written_once,
}

async fn runs_its_steps_in_order_and_gives_the_output(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([step("one"), step("two")])).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one", "two"]);
    assert_eq!(place.world.texts(), ["one", "two"]);
    let snapshot = run.snapshot().await.unwrap();
    assert_eq!(snapshot.status, RunStatus::Completed);
    assert_eq!(snapshot.revision.0, 3);
}

async fn an_err_fails_the_run_and_is_its_result(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([Line::Fail("no".to_owned())])).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Failed);
}

async fn a_start_repeated_is_the_same_run_started_once(place: Place) {
    let engine = place.engine().await;
    for _ in 0..3 {
        let run = engine.start("a", script([step("one")])).await.unwrap();
        soon(run.result()).await.unwrap().unwrap();
    }
    assert_eq!(place.world.texts(), ["one"]);
}

async fn a_start_with_other_arguments_is_told(place: Place) {
    let engine = place.engine().await;
    engine.start("a", script([step("one")])).await.unwrap();
    let error = engine.start("a", script([step("two")])).await.unwrap_err();
    assert!(matches!(error, StartError::OtherArguments { .. }), "{error}");
    assert!(matches!(engine.start("", script([])).await.unwrap_err(), StartError::InvalidId(_)));
}

async fn comes_back_to_a_run_by_its_id(place: Place) {
    let engine = place.engine().await;
    engine.start("a", script([step("one")])).await.unwrap();
    let run = engine.run::<Script>("a").await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one"]);
    let error = engine.run::<Script>("b").await.unwrap_err();
    assert!(matches!(error, ReadError::Unknown { .. }), "{error}");
}

async fn sleeps_until_the_clock_says_so_and_holds_no_task(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([Line::Sleep(86_400), step("one")])).await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    let Script::Sleep { call, .. } = run.state().await.unwrap() else { panic!("it sleeps") };
    assert_eq!(call.duration, Duration::from_hours(24));

    place.clock.advance(Duration::from_secs(86_399));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(place.world.texts(), [""; 0]);
    place.clock.advance(Duration::from_secs(1));
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["slept", "one"]);
}

async fn takes_signals_in_order_whenever_they_came(place: Place) {
    let engine = place.engine().await;
    let run =
        engine.start("a", script([Line::Sleep(1), Line::Listen, Line::Listen, Line::Listen])).await.unwrap();
    run.signal(Word("early".to_owned())).await.unwrap();
    run.signal(Word("second".to_owned())).await.unwrap();
    let place_snapshot = run.snapshot().await.unwrap();
    assert_eq!(place_snapshot.inbox.len(), 2);
    engine.signal_json("a", "Word", "third").await.unwrap();
    let error = engine.signal_json("a", "Wurd", "third").await.unwrap_err();
    assert!(
        matches!(&error, SignalError::NotAwaited(NotAwaited { known, .. }) if known == &["Word"]),
        "{error}"
    );
}

async fn a_signal_wakes_the_run_that_waits_for_it(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([Line::Listen, Line::Listen])).await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
    run.signal(Word("one".to_owned())).await.unwrap();
    run.signal(Word("two".to_owned())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one", "two"]);
    let error = run.signal(Word("late".to_owned())).await.unwrap_err();
    assert!(matches!(error, SignalError::Finished { .. }), "{error}");
}

async fn a_child_is_a_run_of_its_own_and_its_output_comes_back(place: Place) {
    let engine = place.engine().await;
    let grandchild = Line::Child(vec![step("deep")]);
    let lines = [Line::Child(vec![step("inner"), grandchild]), step("outer")];
    let run = engine.start("a", script(lines)).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["[inner [deep]]", "outer"]);
    let notes = place.world.notes();
    assert_eq!(place.world.texts(), ["inner", "deep", "outer"]);
    assert!(notes[0].run.starts_with("a/script-"), "{notes:?}");
}

async fn the_err_of_a_child_comes_back_as_its_output(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([Line::Child(vec![Line::Fail("no".to_owned())])])).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Err("no".to_owned()));
}

async fn a_panic_in_the_workflow_parks_the_run_where_it_was(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([step("one"), Line::Panic])).await.unwrap();
    let error = soon(run.result()).await.unwrap_err();
    let ResultError::Parked { reason, .. } = &error else { panic!("{error}") };
    assert!(matches!(reason, ParkReason::WorkflowPanicked { state, .. } if state == "Note"), "{error}");
    assert!(matches!(run.state().await.unwrap(), Script::Note { .. }));
    let snapshot = run.snapshot().await.unwrap();
    assert_eq!((snapshot.status, snapshot.at.as_str()), (RunStatus::Parked, "Note"));
    assert_eq!(snapshot.error.as_ref(), Some(reason));
}

async fn a_panic_in_a_step_parks_the_run_before_it(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([step("boom")])).await.unwrap();
    let error = soon(run.result()).await.unwrap_err().to_string();
    assert!(error.contains("the step `note` panicked: the step says so"), "{error}");
    // A message to it changes nothing, and it stays parked.
    run.signal(Word("hello".to_owned())).await.unwrap();
    until(async || run.snapshot().await.unwrap().revision.0 == 3).await;
    assert_eq!(run.snapshot().await.unwrap().status, RunStatus::Parked);
}

async fn a_state_that_has_no_json_parks_the_run_and_names_the_field(place: Place) {
    let engine = place.engine().await;
    let run = engine.start("a", script([Line::Nan, step("one")])).await.unwrap();
    let error = soon(run.result()).await.unwrap_err().to_string();
    assert!(error.contains("the field `number` of the state `Note` can't be saved"), "{error}");
}

async fn a_large_stable_field_is_written_once(place: Place) {
    let engine = place.engine().await;
    let lines: Vec<_> = (0..200).map(|number| step(&format!("step number {number}"))).collect();
    let run = engine.start("a", script(lines)).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap().len(), 200);
}

#[tokio::test]
async fn a_missing_resource_fails_the_build_by_name() {
    let error =
        refluxo::Engine::builder(refluxo::MemoryStore::new()).register::<Script>().build().await.unwrap_err();
    assert!(error.to_string().contains("the step `note` of the workflow `script` takes a `"), "{error}");
    assert!(error.to_string().contains("World"), "{error}");
}
