//! What operators can have a run do, at every kind of await.

mod support;

use std::time::Duration;

use refluxo::{
    Engine, Run,
    engine::{ResultError, VerbError},
    snapshot::{RunStatus, Snapshot},
    store::Status,
};
use support::{
    Place, build, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    a_cancelled_run_undoes_what_it_did_wherever_it_waits,
    an_aborted_run_undoes_what_it_did_wherever_it_waits,
    a_paused_run_begins_nothing_and_goes_on_where_it_stood,
    what_a_run_would_not_heed_is_refused_with_the_cure,
    a_verb_is_heeded_by_the_next_worker,
    a_cancelled_step_may_come_to_an_end,
    a_step_that_does_not_end_in_its_grace_is_dropped,
    a_run_that_returns_within_the_grace_has_returned,
    what_is_undone_has_more_time_than_the_grace,
    a_cancelled_run_ends_though_its_code_panics,
    an_aborted_step_is_dropped_at_once,
    a_paused_run_lets_the_step_in_flight_end,
    timers_run_on_in_a_pause,
    a_paused_run_can_be_cancelled,
    a_parked_run_can_be_cancelled,
    a_failing_run_undoes_last_first_and_is_not_cancelled_any_more,
    an_undo_call_is_retried_under_its_key,
    an_undo_call_that_fails_for_good_parks_the_run,
    an_abort_gives_up_what_can_not_be_undone,
    an_undo_call_may_be_a_workflow,
    a_paused_run_does_not_go_on_undoing,
    branches_push_on_the_same_stack,
    a_cancelled_child_parks_its_parent_and_a_retry_starts_another,
    a_cancel_reaches_the_children_and_waits_for_them,
}

/// A run that was brought to an await, after something that is to be undone.
struct Scene {
    engine: Engine,
    run: Run<Script>,
}

/// Every kind of await, by name, with what it gives; those with a `gate` are at work, the others wait.
fn awaits() -> Vec<(&'static str, Line)> {
    vec![
        ("step", step("gate")),
        ("backoff", Line::Flaky("two".to_owned(), 1)),
        ("timer", Line::Sleep(3_600)),
        ("signal", Line::Listen),
        ("limited signal", Line::Within(3_600, Box::new(Line::Listen))),
        ("child", Line::Child(vec![Line::Sleep(3_600)])),
        ("join", Line::All(vec![vec![step("gate")], vec![Line::Sleep(3_600)]])),
        (
            "waiting join",
            Line::All(vec![
                vec![step("two")],
                vec![Line::Child(vec![Line::Listen])],
                vec![Line::Sleep(3_600)],
            ]),
        ),
        ("join_all", Line::Some(1, vec![vec![Line::Sleep(3_600)], vec![step("two")]])),
        ("try_join", Line::Try(vec![vec![Line::Flaky("two".to_owned(), 1)], vec![Line::Listen]])),
        ("select", Line::Race(vec![vec![Line::Listen], vec![Line::Sleep(3_600)]])),
        ("select at work", Line::Race(vec![vec![step("gate")], vec![Line::Sleep(3_600)]])),
    ]
}

fn is_at_work(await_: &Line) -> bool {
    format!("{await_:?}").contains("gate")
}

fn undo(text: &str) -> Line {
    Line::Undo(text.to_owned())
}

impl Scene {
    /// A run at this await, between two steps.
    async fn at(place: &Place, await_: &Line) -> Self {
        let lines = [step("one"), undo("undo one"), undo("undo more"), await_.clone(), step("after")];
        Self::of(place, lines.to_vec(), is_at_work(await_)).await
    }

    async fn of(place: &Place, lines: Vec<Line>, is_at_work: bool) -> Self {
        let engine = place.patient_engine().await;
        let run = engine.start("a", script(lines)).await.unwrap();
        if is_at_work {
            soon(place.world.somebody_at_the_gate()).await;
        } else {
            until(async || run.snapshot().await.unwrap().status == RunStatus::Waiting).await;
        }
        Self { engine, run }
    }

    async fn snapshot(&self) -> Snapshot {
        self.run.snapshot().await.unwrap()
    }

    /// Waits until the run stands so.
    async fn is(&self, status: RunStatus) {
        until(async || self.snapshot().await.status == status).await;
    }

    /// Checks that the run ends as one that was cancelled, and gives the steps that ran, but for those of branches.
    async fn cancelled(self, place: &Place) -> Vec<String> {
        assert!(matches!(passing(place, self.run.result()).await, Err(ResultError::Cancelled { .. })));
        let snapshot = self.snapshot().await;
        assert_eq!(
            (snapshot.status, snapshot.calls.len(), snapshot.undo.len()),
            (RunStatus::Cancelled, 0, 0)
        );
        place.world.texts().into_iter().filter(|text| text != "two" && text != "gate").collect()
    }
}

async fn a_cancelled_run_undoes_what_it_did_wherever_it_waits(place: Place) {
    for (name, await_) in awaits() {
        let place = place.another();
        let scene = Scene::at(&place, &await_).await;
        scene.run.cancel().by("eve").await.unwrap();
        assert_eq!(scene.cancelled(&place).await, ["one", "undo more", "undo one"], "{name}");
    }
}

async fn an_aborted_run_undoes_what_it_did_wherever_it_waits(place: Place) {
    for (name, await_) in awaits() {
        let place = place.another();
        let scene = Scene::at(&place, &await_).await;
        scene.run.abort().reason("it is stuck").await.unwrap();
        // The clock stands: nothing is waited for.
        assert!(matches!(soon(scene.run.result()).await, Err(ResultError::Cancelled { .. })), "{name}");
        assert_eq!(scene.cancelled(&place).await, ["one", "undo more", "undo one"], "{name}");
        let was_in_flight: Vec<&str> = if is_at_work(&await_) { vec!["gate"] } else { vec![] };
        until(async || place.world.dropped() == was_in_flight).await;
    }
}

async fn a_paused_run_begins_nothing_and_goes_on_where_it_stood(place: Place) {
    for (name, await_) in awaits() {
        let place = place.another();
        let scene = Scene::at(&place, &await_).await;
        scene.run.pause().await.unwrap();
        if is_at_work(&await_) {
            until(async || scene.snapshot().await.paused).await;
            place.world.open_gate();
        }
        scene.is(RunStatus::Paused).await;
        // A child that began only after the time has passed would have all of its own before it.
        for child in children(&scene).await {
            until(async || {
                scene.engine.snapshot(&child).await.is_ok_and(|child| child.status == RunStatus::Waiting)
            })
            .await;
        }
        let ran = place.world.texts();
        place.clock.advance(Duration::from_secs(4_000));
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(place.world.texts(), ran, "{name}");
        assert!(!ran.contains(&"after".to_owned()), "{name}");

        scene.run.resume().await.unwrap();
        let words = async {
            // Those that wait for words get as many as they like.
            for _ in 0..3 {
                let _ = scene.run.signal(Word("hello".to_owned())).await;
                for child in children(&scene).await {
                    let _ = scene.engine.signal_json(child, "Word", "hello").await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            scene.run.result().await
        };
        let told = passing(&place, words).await.unwrap().unwrap();
        assert_eq!(
            (told.first().unwrap(), told.last().unwrap()),
            (&"one".to_owned(), &"after".to_owned()),
            "{name}"
        );
    }
}

/// The children that a run waits for.
async fn children(scene: &Scene) -> Vec<String> {
    use refluxo::snapshot::WaitingFor;
    let calls = scene.snapshot().await.calls;
    let child = |call: refluxo::snapshot::Call| match call.waiting_for {
        WaitingFor::Child { id } => Some(id.as_str().to_owned()),
        _ => None,
    };
    calls.into_iter().filter_map(child).collect()
}

async fn what_a_run_would_not_heed_is_refused_with_the_cure(place: Place) {
    let scene = Scene::at(&place, &Line::Listen).await;
    assert!(matches!(scene.run.retry().await, Err(VerbError::NotParked { status: Status::Waiting, .. })));
    assert!(matches!(scene.run.resume().await, Err(VerbError::NotPaused { status: Status::Waiting, .. })));
    assert!(matches!(scene.engine.cancel("nobody").await, Err(VerbError::Unknown { .. })));
    assert!(matches!(scene.engine.cancel("").await, Err(VerbError::InvalidId(_))));
    scene.run.cancel().await.unwrap();
    assert!(soon(scene.run.result()).await.is_err());
    for order in
        [scene.run.cancel(), scene.run.abort(), scene.run.pause(), scene.run.resume(), scene.run.retry()]
    {
        let error = order.await.unwrap_err();
        assert!(matches!(error, VerbError::Ended { status: Some(Status::Cancelled), .. }), "{error}");
        assert!(error.to_string().contains("fork it"), "{error}");
    }
}

async fn a_verb_is_heeded_by_the_next_worker(place: Place) {
    for (name, await_) in awaits() {
        let place = place.another();
        let scene = Scene::at(&place, &await_).await;
        drop(scene.engine);
        drop(scene.run);
        let builder = place.builder(place.store().await).shutdown_grace(Duration::ZERO);
        let office = build(builder).await;
        soon(office.shutdown()).await;
        let run = office.run::<Script>("a").await.unwrap();
        run.cancel().await.unwrap();
        drop((run, office));
        let engine = place.patient_engine().await;
        let run = engine.run::<Script>("a").await.unwrap();
        let scene = Scene { engine, run };
        assert_eq!(scene.cancelled(&place).await, ["one", "undo more", "undo one"], "{name}");
    }
}

async fn a_cancelled_step_may_come_to_an_end(place: Place) {
    let lines = vec![undo("undo one"), step("polite"), undo("undo polite"), step("after")];
    let scene = Scene::of(&place, lines, true).await;
    scene.run.cancel().await.unwrap();
    assert!(matches!(soon(scene.run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.texts(), ["polite", "undo polite", "undo one"]);
}

async fn a_step_that_does_not_end_in_its_grace_is_dropped(place: Place) {
    let scene = Scene::at(&place, &step("gate")).await;
    scene.run.cancel().await.unwrap();
    until(async || scene.snapshot().await.ending.is_some()).await;
    place.clock.advance(Duration::from_secs(9));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(place.world.dropped().is_empty());
    place.clock.advance(Duration::from_secs(1));
    assert!(matches!(soon(scene.run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.dropped(), ["gate"]);
}

async fn a_run_that_returns_within_the_grace_has_returned(place: Place) {
    let scene = Scene::of(&place, vec![undo("undo"), step("polite")], true).await;
    scene.run.cancel().await.unwrap();
    assert_eq!(soon(scene.run.result()).await.unwrap().unwrap(), ["polite"]);

    let place = place.another();
    let scene =
        Scene::of(&place, vec![undo("undo"), step("polite"), Line::Fail("no".to_owned())], true).await;
    scene.run.cancel().await.unwrap();
    assert_eq!(soon(scene.run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["polite", "undo"]);
}

async fn what_is_undone_has_more_time_than_the_grace(place: Place) {
    let lines = vec![undo("gate"), step("polite"), Line::Fail("no".to_owned())];
    let scene = Scene::of(&place, lines, true).await;
    scene.run.cancel().await.unwrap();
    soon(place.world.somebody_at_the_gate()).await;
    place.clock.advance(Duration::from_secs(11));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(place.world.dropped().is_empty());
    place.world.open_gate();
    assert_eq!(soon(scene.run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["polite", "gate"]);
}

async fn a_cancelled_run_ends_though_its_code_panics(place: Place) {
    let polite = || step("polite");
    let branch = vec![polite(), Line::Panic];
    for lines in [
        // They are told at once, so that some of them end in one batch.
        vec![Line::All(vec![branch; 8])],
        // The winner panics at the root, and nobody waits for the other.
        vec![Line::Race(vec![vec![polite()], vec![polite()]]), Line::Panic],
    ] {
        let place = place.another();
        let branches = if lines.len() == 1 { 8 } else { 2 };
        let lines = [vec![undo("undo one")], lines].concat();
        let scene = Scene::of(&place, lines, true).await;
        for _ in 1..branches {
            soon(place.world.somebody_at_the_gate()).await;
        }
        scene.run.cancel().await.unwrap();
        // The clock stands: the grace does not end it.
        assert!(matches!(soon(scene.run.result()).await, Err(ResultError::Cancelled { .. })));
        assert_eq!(place.world.texts().last().unwrap(), "undo one");
    }
}

async fn an_aborted_step_is_dropped_at_once(place: Place) {
    let scene = Scene::at(&place, &step("gate")).await;
    scene.run.abort().await.unwrap();
    assert!(matches!(soon(scene.run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.dropped(), ["gate"]);
}

async fn a_paused_run_lets_the_step_in_flight_end(place: Place) {
    let scene = Scene::at(&place, &step("gate")).await;
    scene.run.pause().await.unwrap();
    until(async || scene.snapshot().await.paused).await;
    let in_flight = scene.snapshot().await.calls[0].entered;
    place.world.open_gate();
    // The run is at the next step, which is not begun.
    until(async || scene.snapshot().await.calls[0].entered > in_flight).await;
    scene.is(RunStatus::Paused).await;
    drop(scene);
    let engine = place.patient_engine().await;
    let run = engine.run::<Script>("a").await.unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(place.world.texts(), ["one", "gate"]);
    run.resume().await.unwrap();
    assert_eq!(soon(run.result()).await.unwrap().unwrap(), ["one", "gate", "after"]);
}

async fn timers_run_on_in_a_pause(place: Place) {
    let scene = Scene::at(&place, &Line::Sleep(60)).await;
    scene.run.pause().await.unwrap();
    scene.is(RunStatus::Paused).await;
    place.clock.advance(Duration::from_mins(1));
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(scene.snapshot().await.status, RunStatus::Paused);
    scene.run.resume().await.unwrap();
    assert_eq!(soon(scene.run.result()).await.unwrap().unwrap(), ["one", "slept", "after"]);
}

async fn a_paused_run_can_be_cancelled(place: Place) {
    let scene = Scene::at(&place, &Line::Listen).await;
    scene.run.pause().await.unwrap();
    scene.is(RunStatus::Paused).await;
    scene.run.cancel().await.unwrap();
    assert_eq!(scene.cancelled(&place).await, ["one", "undo more", "undo one"]);
}

async fn a_parked_run_can_be_cancelled(place: Place) {
    for order in ["cancel", "abort"] {
        let place = place.another();
        let engine = place.patient_engine().await;
        let run = engine.start("a", script([step("one"), undo("undo one"), step("boom")])).await.unwrap();
        assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
        if order == "cancel" {
            run.cancel().await.unwrap();
        } else {
            run.abort().await.unwrap();
        }
        until(async || run.snapshot().await.unwrap().status == RunStatus::Cancelled).await;
        assert_eq!(place.world.texts(), ["one", "boom", "undo one"]);
    }
}

async fn a_failing_run_undoes_last_first_and_is_not_cancelled_any_more(place: Place) {
    let lines = vec![undo("undo one"), step("one"), undo("gate undo"), Line::Fail("no".to_owned())];
    let scene = Scene::of(&place, lines, true).await;
    let snapshot = scene.snapshot().await;
    assert_eq!((snapshot.undo.len(), snapshot.ending), (2, Some(refluxo::snapshot::Ending::Failed)));
    scene.run.cancel().await.unwrap();
    scene.run.abort().await.unwrap();
    until(async || scene.snapshot().await.inbox.is_empty()).await;
    place.world.open_gate();
    assert_eq!(soon(scene.run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["one", "gate undo", "undo one"]);
    assert_eq!(scene.snapshot().await.status, RunStatus::Failed);
}

async fn an_undo_call_is_retried_under_its_key(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [undo("last"), Line::UndoFlaky("undo".to_owned(), 2), Line::Fail("no".to_owned())];
    let run = engine.start("a", script(lines)).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap(), Err("no".to_owned()));
    let notes = place.world.notes();
    assert_eq!(place.world.texts(), ["undo", "undo", "undo", "last"]);
    assert!(notes[0].key == notes[1].key && notes[1].key == notes[2].key && notes[2].key != notes[3].key);
}

async fn an_undo_call_that_fails_for_good_parks_the_run(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [undo("last"), Line::UndoFlaky("undo".to_owned(), 4), Line::Fail("no".to_owned())];
    let run = engine.start("a", script(lines)).await.unwrap();
    let parked = passing(&place, run.result()).await.unwrap_err();
    assert!(parked.to_string().contains("`flaky`, which undoes what the run did, failed"), "{parked}");
    run.retry().await.unwrap();
    until(async || run.snapshot().await.unwrap().status != RunStatus::Parked).await;
    assert_eq!(passing(&place, run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["undo", "undo", "undo", "undo", "undo", "last"]);
}

async fn an_abort_gives_up_what_can_not_be_undone(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [undo("last"), Line::UndoFlaky("bad".to_owned(), 4), Line::Fail("no".to_owned())];
    let run = engine.start("a", script(lines)).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    run.abort().await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Failed).await;
    assert_eq!(run.snapshot().await.unwrap().undo.len(), 2, "what was not undone is still to be seen");
    assert_eq!(soon(run.result()).await.unwrap(), Err("no".to_owned()));
}

async fn an_undo_call_may_be_a_workflow(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [
        undo("last"),
        Line::UndoChild(vec![step("two"), Line::Sleep(5), step("three")]),
        Line::Fail("no".to_owned()),
    ];
    let run = engine.start("a", script(lines)).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["two", "three", "last"]);
}

async fn a_paused_run_does_not_go_on_undoing(place: Place) {
    let lines = vec![undo("last"), undo("gate"), Line::Fail("no".to_owned())];
    let scene = Scene::of(&place, lines, true).await;
    scene.run.pause().await.unwrap();
    until(async || scene.snapshot().await.paused).await;
    place.world.open_gate();
    scene.is(RunStatus::Paused).await;
    until(async || scene.snapshot().await.undo.len() == 1).await;
    assert_eq!(place.world.texts(), ["gate"]);
    scene.run.resume().await.unwrap();
    assert_eq!(soon(scene.run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["gate", "last"]);
}

async fn branches_push_on_the_same_stack(place: Place) {
    let engine = place.patient_engine().await;
    let branches = vec![
        vec![undo("undo a"), Line::Sleep(1), undo("undo b")],
        vec![Line::Sleep(2), undo("undo c"), Line::Fail("no".to_owned())],
    ];
    let run = engine.start("a", script([undo("undo 0"), Line::Try(branches)])).await.unwrap();
    assert_eq!(passing(&place, run.result()).await.unwrap(), Err("no".to_owned()));
    assert_eq!(place.world.texts(), ["undo c", "undo b", "undo a", "undo 0"]);
}

async fn a_cancelled_child_parks_its_parent_and_a_retry_starts_another(place: Place) {
    let scene = Scene::at(&place, &Line::Child(vec![Line::Listen])).await;
    let child = children(&scene).await.pop().unwrap();
    until(async || scene.engine.snapshot(&child).await.is_ok()).await;
    scene.engine.cancel(&child).await.unwrap();
    let parked = soon(scene.run.result()).await.unwrap_err();
    assert!(parked.to_string().contains(&child), "{parked}");
    scene.run.retry().await.unwrap();
    until(async || children(&scene).await.first().is_some_and(|other| *other != child)).await;
    let other = children(&scene).await.pop().unwrap();
    until(async || scene.engine.snapshot(&other).await.is_ok()).await;
    scene.engine.signal_json(&other, "Word", "hello").await.unwrap();
    assert_eq!(soon(scene.run.result()).await.unwrap().unwrap(), ["one", "[hello]", "after"]);
}

async fn a_cancel_reaches_the_children_and_waits_for_them(place: Place) {
    let inner = vec![step("two"), undo("undo two"), Line::Listen];
    let lines = vec![
        step("one"),
        undo("undo one"),
        Line::All(vec![vec![Line::Child(inner.clone())], vec![Line::Child(inner)]]),
    ];
    let scene = Scene::of(&place, lines, false).await;
    let children = children(&scene).await;
    assert_eq!(children.len(), 2);
    for child in &children {
        until(async || {
            scene.engine.snapshot(child).await.is_ok_and(|child| child.status == RunStatus::Waiting)
        })
        .await;
    }
    scene.run.cancel().await.unwrap();
    assert!(matches!(soon(scene.run.result()).await, Err(ResultError::Cancelled { .. })));
    assert_eq!(place.world.texts(), ["one", "two", "two", "undo two", "undo two", "undo one"]);
    for child in &children {
        assert_eq!(scene.engine.snapshot(child).await.unwrap().status, RunStatus::Cancelled);
    }
}
