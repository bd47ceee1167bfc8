//! Several things at once: branches that end, fail, race, wait and are given up.

mod support;

use std::time::Duration;

use refluxo::{
    Run,
    engine::ResultError,
    snapshot::{RunStatus, Snapshot, WaitingFor},
};
use support::{
    Place, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    branches_run_at_once_and_give_what_they_gave_in_order,
    branches_that_wait_hold_no_worker,
    a_crash_repeats_only_the_branches_that_have_not_ended,
    no_more_branches_run_at_once_than_the_limit_allows,
    a_group_without_branches_is_over,
    the_first_failure_ends_a_try,
    a_failed_branch_does_not_end_an_all,
    the_first_end_wins_a_race_and_the_others_are_given_up,
    what_loses_a_race_consumes_no_signal,
    a_step_that_has_lost_its_race_already_does_not_begin,
    a_step_beside_a_failure_that_has_come_already_does_not_begin,
    the_signal_that_came_first_wins,
    a_timer_that_was_over_first_wins_over_a_signal,
    two_branches_that_listen_take_a_word_each,
    a_branch_retries_while_others_go_on,
    a_child_of_a_lost_branch_is_cancelled,
    groups_stand_in_branches,
    a_panic_in_a_branch_parks_the_run_and_keeps_what_has_ended,
    what_is_pushed_in_a_branch_is_not_kept_without_its_end,
    what_can_not_be_saved_keeps_what_came_before_it,
    a_spawned_run_goes_its_own_way,
    messages_to_branches_at_work_are_taken_at_once,
}

async fn waiting(run: &Run<Script>) {
    until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
}

async fn told(run: &Run<Script>) -> Vec<String> {
    soon(run.result()).await.unwrap().unwrap()
}

async fn branches_run_at_once_and_give_what_they_gave_in_order(place: Place) {
    let engine = place.patient_engine().await;
    let branches =
        vec![vec![step("gate 0"), step("a")], vec![step("gate 1")], vec![step("gate 2"), step("b")]];
    let run = engine.start("a", script([Line::All(branches), step("last")])).await.unwrap();
    for _ in 0..3 {
        soon(place.world.somebody_at_the_gate()).await;
    }
    for _ in 0..3 {
        place.world.open_gate();
    }
    assert_eq!(told(&run).await, ["{gate 0 a|gate 1|gate 2 b}", "last"]);
}

async fn branches_that_wait_hold_no_worker(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![
        vec![Line::Listen],
        vec![step("one"), Line::Sleep(60)],
        vec![Line::Child(vec![Line::Sleep(30)])],
    ];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    waiting(&run).await;
    let snapshot = run.snapshot().await.unwrap();
    assert_eq!(snapshot.calls.len(), 4, "the group and its branches: {:?}", snapshot.calls);
    assert!(matches!(&snapshot.calls[0].waiting_for, WaitingFor::Group(group) if group.of == 3));
    drop((engine, run));

    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    run.signal(Word("hello".to_owned())).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["{hello|one slept|[slept]}"]);
    assert_eq!(place.world.texts(), ["one"]);
}

async fn a_crash_repeats_only_the_branches_that_have_not_ended(place: Place) {
    let engine = place.patient_engine().await;
    let branches =
        vec![vec![step("one"), step("two")], vec![step("three"), step("gate")], vec![step("four")]];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    until(async || run.snapshot().await.unwrap().branches.contains_key("o:2")).await;
    until(async || run.snapshot().await.unwrap().branches.contains_key("o:0")).await;
    drop((engine, run));

    let next = place.patient_engine().await;
    soon(place.world.somebody_at_the_gate()).await;
    place.world.open_gate();
    let run = next.run::<Script>("a").await.unwrap();
    assert_eq!(told(&run).await, ["{one two|three gate|four}"]);
    let mut texts = place.world.texts();
    texts.sort_unstable();
    assert_eq!(texts, ["four", "gate", "gate", "one", "three", "two"]);
    let gates: Vec<_> = place.world.notes().into_iter().filter(|noted| noted.text == "gate").collect();
    assert_eq!(gates[0].key, gates[1].key);
}

async fn no_more_branches_run_at_once_than_the_limit_allows(place: Place) {
    let engine = place.patient_engine().await;
    let branches = (0..5).map(|number| vec![step(&format!("gate {number}"))]).collect();
    let run = engine.start("a", script([Line::Some(2, branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    soon(place.world.somebody_at_the_gate()).await;
    for begun in 3..=5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(place.world.texts().len(), begun - 1);
        place.world.open_gate();
        soon(place.world.somebody_at_the_gate()).await;
    }
    place.world.open_gate();
    place.world.open_gate();
    assert_eq!(told(&run).await, ["{gate 0|gate 1|gate 2|gate 3|gate 4}"]);
}

async fn a_group_without_branches_is_over(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [Line::All(vec![]), Line::Some(3, vec![]), Line::All(vec![vec![], vec![step("one")]])];
    let run = engine.start("a", script(lines)).await.unwrap();
    assert_eq!(told(&run).await, ["{}", "{}", "{|one}"]);
}

async fn the_first_failure_ends_a_try(place: Place) {
    let engine = place.patient_engine().await;
    let branches =
        vec![vec![step("gate")], vec![Line::Listen, Line::Fail("no".to_owned())], vec![Line::Sleep(60)]];
    let run = engine.start("a", script([Line::Try(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.signal(Word("go".to_owned())).await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap(), Err("no".to_owned()));
    until(async || place.world.dropped() == ["gate"]).await;
    let good =
        engine.start("b", script([Line::Try(vec![vec![step("two")], vec![step("three")]])])).await.unwrap();
    assert_eq!(told(&good).await, ["{two|three}"]);
}

async fn a_failed_branch_does_not_end_an_all(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![Line::Fail("no".to_owned())], vec![step("one"), step("two")]];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    assert_eq!(told(&run).await, ["{no|one two}"]);
}

async fn the_first_end_wins_a_race_and_the_others_are_given_up(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![step("gate")], vec![Line::Sleep(5), step("one")], vec![Line::Listen]];
    let run = engine.start("a", script([Line::Race(branches), step("two")])).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["1:slept one", "two"]);
    until(async || place.world.dropped() == ["gate"]).await;
}

async fn what_loses_a_race_consumes_no_signal(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![Line::Sleep(0)], vec![Line::Listen]];
    let run = engine.start("a", script([step("gate"), Line::Race(branches), Line::Listen])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.signal(Word("kept".to_owned())).await.unwrap();
    place.world.open_gate();
    assert_eq!(told(&run).await, ["gate", "0:slept", "kept"]);
}

async fn a_step_that_has_lost_its_race_already_does_not_begin(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![step("lost")], vec![Line::Listen]];
    let run = engine.start("a", script([step("gate"), Line::Race(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.signal(Word("first".to_owned())).await.unwrap();
    place.world.open_gate();
    assert_eq!(told(&run).await, ["gate", "1:first"]);
    assert_eq!(place.world.texts(), ["gate"]);
}

async fn a_step_beside_a_failure_that_has_come_already_does_not_begin(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![step("lost")], vec![Line::Listen, Line::Fail("no".to_owned())]];
    let run = engine.start("a", script([step("gate"), Line::Try(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.signal(Word("first".to_owned())).await.unwrap();
    place.world.open_gate();
    assert_eq!(soon(run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["gate"]);
}

async fn the_signal_that_came_first_wins(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![Line::Sleep(60)], vec![Line::Listen]];
    let run = engine.start("a", script([Line::Race(branches)])).await.unwrap();
    waiting(&run).await;
    soon(engine.shutdown()).await;
    place.clock.advance(Duration::from_secs(30));
    run.signal(Word("first".to_owned())).await.unwrap();
    place.clock.advance(Duration::from_mins(1));
    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    assert_eq!(told(&run).await, ["1:first"]);
}

async fn a_timer_that_was_over_first_wins_over_a_signal(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![Line::Listen], vec![Line::Sleep(60)]];
    let run = engine.start("a", script([Line::Race(branches)])).await.unwrap();
    waiting(&run).await;
    soon(engine.shutdown()).await;
    place.clock.advance(Duration::from_secs(90));
    run.signal(Word("too late".to_owned())).await.unwrap();
    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    assert_eq!(told(&run).await, ["1:slept"]);
}

async fn two_branches_that_listen_take_a_word_each(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![Line::Listen, Line::Listen], vec![Line::Listen]];
    let run = engine.start("a", script([step("gate"), Line::All(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    for word in ["one", "two", "three"] {
        run.signal(Word(word.to_owned())).await.unwrap();
    }
    place.world.open_gate();
    assert_eq!(told(&run).await[1], "{one three|two}");
}

async fn a_branch_retries_while_others_go_on(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![
        vec![Line::Flaky("one".to_owned(), 2)],
        vec![step("gate")],
        vec![Line::Flaky("two".to_owned(), 3)],
    ];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    passing(&place, until(async || run.snapshot().await.unwrap().branches.contains_key("o:2"))).await;
    place.world.open_gate();
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["{one|gate|two failed}"]);
}

async fn a_child_of_a_lost_branch_is_cancelled(place: Place) {
    let engine = place.patient_engine().await;
    let child = Line::Child(vec![step("one"), Line::Undo("undo".to_owned()), Line::Listen]);
    let run = engine.start("a", script([Line::Race(vec![vec![child], vec![Line::Sleep(5)]])])).await.unwrap();
    // Before the branches have begun there are as many calls.
    let is_child = |waiting_for: &WaitingFor| matches!(waiting_for, WaitingFor::Child { .. });
    let awaits_child = |snapshot: Snapshot| snapshot.calls.iter().any(|call| is_child(&call.waiting_for));
    until(async || awaits_child(run.snapshot().await.unwrap())).await;
    let calls = run.snapshot().await.unwrap().calls;
    let Some(WaitingFor::Child { id }) = calls
        .iter()
        .map(|call| &call.waiting_for)
        .find(|waiting_for| matches!(waiting_for, WaitingFor::Child { .. }))
    else {
        panic!("a branch waits for a child: {calls:?}")
    };
    until(async || place.world.texts() == ["one"]).await;
    until(async || engine.snapshot(id.as_str()).await.unwrap().status == RunStatus::Waiting).await;
    assert_eq!(passing(&place, run.result()).await.unwrap().unwrap(), ["1:slept"]);
    until(async || engine.snapshot(id.as_str()).await.unwrap().status == RunStatus::Cancelled).await;
    assert_eq!(place.world.texts(), ["one", "undo"]);
}

async fn groups_stand_in_branches(place: Place) {
    let engine = place.patient_engine().await;
    let inner = Line::All(vec![vec![step("one"), step("two")], vec![Line::Listen]]);
    let race =
        Line::Race(vec![vec![Line::Listen], vec![Line::All(vec![vec![step("three")], vec![step("four")]])]]);
    let run =
        engine.start("a", script([Line::All(vec![vec![inner, step("five")], vec![race]])])).await.unwrap();
    waiting(&run).await;
    drop((engine, run));
    let next = place.patient_engine().await;
    let run = next.run::<Script>("a").await.unwrap();
    run.signal(Word("hello".to_owned())).await.unwrap();
    assert_eq!(told(&run).await, ["{{one two|hello} five|1:{three|four}}"]);
}

async fn a_panic_in_a_branch_parks_the_run_and_keeps_what_has_ended(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![step("one")], vec![Line::Listen, Line::Panic]];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    waiting(&run).await;
    run.signal(Word("hello".to_owned())).await.unwrap();
    for _ in 0..2 {
        let parked = soon(run.result()).await.unwrap_err();
        assert!(matches!(parked, ResultError::Parked { .. }));
        let before = run.snapshot().await.unwrap().revision;
        run.retry().await.unwrap();
        until(async || run.snapshot().await.unwrap().revision.0 >= before.0 + 2).await;
    }
    assert_eq!(place.world.texts(), ["one"]);
    assert_eq!(run.snapshot().await.unwrap().inbox.len(), 1, "the word is still there");
}

async fn what_is_pushed_in_a_branch_is_not_kept_without_its_end(place: Place) {
    let engine = place.patient_engine().await;
    let good = vec![Line::All(vec![vec![Line::Listen]])];
    let bad = vec![Line::All(vec![vec![Line::Undo("undo".to_owned())]]), Line::Panic];
    let run = engine.start("a", script([Line::All(vec![good, bad])])).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    let undo = run.snapshot().await.unwrap().undo;
    assert!(undo.is_empty(), "the retry would push it again: {undo:?}");
}

async fn what_can_not_be_saved_keeps_what_came_before_it(place: Place) {
    let engine = place.patient_engine().await;
    let undo = |text: &str| Line::Undo(text.to_owned());
    let good = vec![undo("good"), Line::Listen];
    let bad = vec![undo("bad"), Line::Nan, Line::Listen];
    let run = engine.start("a", script([Line::All(vec![good, bad])])).await.unwrap();
    for _ in 0..2 {
        assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
        let snapshot = run.snapshot().await.unwrap();
        assert!(matches!(snapshot.calls[1].waiting_for, WaitingFor::Signal { .. }), "{:?}", snapshot.calls);
        assert!(matches!(snapshot.calls[2].waiting_for, WaitingFor::Start), "{:?}", snapshot.calls);
        let undo: Vec<_> = snapshot.undo.iter().map(|entry| entry.get()).collect();
        assert_eq!(undo, [r#"{"note":{"text":"good"}}"#]);
        run.retry().await.unwrap();
        until(async || run.snapshot().await.unwrap().revision.0 >= snapshot.revision.0 + 2).await;
    }
}

async fn a_spawned_run_goes_its_own_way(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine
        .start("a", script([Line::Spawn(vec![Line::Sleep(5), step("one")]), step("two")]))
        .await
        .unwrap();
    assert_eq!(told(&run).await.len(), 2);
    assert_eq!(place.world.texts(), ["two"]);
    passing(&place, until(async || place.world.texts() == ["two", "one"])).await;
}

async fn messages_to_branches_at_work_are_taken_at_once(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![vec![step("gate")], vec![Line::Listen, step("one")]];
    let run = engine.start("a", script([Line::All(branches)])).await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    run.signal(Word("hello".to_owned())).await.unwrap();
    until(async || place.world.texts() == ["gate", "one"]).await;
    place.world.open_gate();
    assert_eq!(told(&run).await, ["{gate|hello one}"]);
}

/// Both have ended before the worker looks, which takes in one thing at a time of a cancelled run.
#[tokio::test]
async fn what_ends_with_its_winner_in_a_cancelled_run_is_put_in_nowhere() {
    let place = Place::memory();
    let engine = place.patient_engine().await;
    let race = Line::Race(vec![vec![step("gate 0")], vec![step("gate 1")]]);
    let next = Line::All(vec![vec![step("never 0")], vec![step("never 1")]]);
    let run = engine.start("a", script([race, next])).await.unwrap();
    for _ in 0..2 {
        soon(place.world.somebody_at_the_gate()).await;
    }
    run.cancel().await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Cancelling).await;
    for _ in 0..2 {
        place.world.open_gate();
    }
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    assert!(place.world.texts().iter().all(|text| text.starts_with("gate")));
}
