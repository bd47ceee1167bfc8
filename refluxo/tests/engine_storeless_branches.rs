//! Branches, attempts, limits, undo and orders without a store: the caller keeps the snapshot.

mod support;

use std::{sync::Arc, time::Duration};

use refluxo::{
    Engine,
    engine::{AdvanceError, Storeless},
    snapshot::{Ending, ParkReason, RunStatus, Snapshot},
    time::{ManualClock, Timestamp},
};
use support::{
    script::{Line, Script, Told, Word, script},
    step,
    world::World,
};

/// An engine with all that is around it.
struct Place {
    engine: Storeless,
    clock: Arc<ManualClock>,
    world: World,
}

fn place() -> Place {
    let (clock, world) = (Arc::new(ManualClock::at(Timestamp::EPOCH)), World::new());
    let builder = Engine::storeless().register::<Script>().provide(world.clone()).clock(clock.clone());
    Place { engine: builder.build().unwrap(), clock, world }
}

/// A snapshot as it comes back from wherever the caller keeps it.
fn kept(snapshot: &Snapshot) -> Snapshot {
    serde_json::from_str(&serde_json::to_string(snapshot).unwrap()).unwrap()
}

fn told(snapshot: &Snapshot) -> Told {
    snapshot.output::<Told>().unwrap().unwrap_or_else(|| panic!("it has not returned: {snapshot:?}"))
}

impl Place {
    fn first(&self, lines: impl Into<Vec<Line>>) -> Snapshot {
        self.engine.first("a", &script(lines)).unwrap()
    }

    /// Advances until the run ends or waits.
    async fn advance(&self, mut snapshot: Snapshot) -> (Snapshot, AdvanceError) {
        loop {
            match self.engine.advance(&snapshot).await {
                Ok(next) => snapshot = kept(&next),
                Err(error) => return (snapshot, error),
            }
        }
    }

    /// Advances until the run ends, and lets time pass where it waits for that.
    async fn end(&self, mut snapshot: Snapshot) -> Snapshot {
        for _ in 0..100 {
            let (reached, error) = self.advance(snapshot).await;
            match error {
                AdvanceError::NotDue { .. } | AdvanceError::Waits { until: Some(_), .. } => {
                    self.clock.advance(Duration::from_secs(1));
                }
                AdvanceError::Ended { .. } => return reached,
                error => panic!("{error}"),
            }
            snapshot = reached;
        }
        panic!("it does not end: {snapshot:?}")
    }
}

#[tokio::test]
async fn branches_take_their_turns_in_the_order_of_the_source() {
    let place = place();
    let branches = vec![vec![step("one"), step("two")], vec![step("three")]];
    let last = place.end(place.first([Line::All(branches)])).await;
    assert_eq!(told(&last).unwrap(), ["{one two|three}"]);
    assert_eq!(place.world.texts(), ["one", "two", "three"]);
    assert!(last.branches.is_empty() && last.calls.is_empty());
}

#[tokio::test]
async fn each_advance_of_branches_is_one_step() {
    let place = place();
    let mut snapshot = place.first([Line::All(vec![vec![step("one")], vec![step("two")]])]);
    let mut steps = Vec::new();
    while let Ok(next) = place.engine.advance(&snapshot).await {
        snapshot = kept(&next);
        steps.push(place.world.texts().len());
    }
    assert_eq!(steps, [0, 0, 1, 2], "the start, the start of both branches, and their steps");
}

#[tokio::test]
async fn what_a_branch_gave_is_kept_in_the_snapshot() {
    let place = place();
    let first = place.first([Line::All(vec![vec![step("one")], vec![Line::Listen]])]);
    let (snapshot, error) = place.advance(first).await;
    assert!(matches!(&error, AdvanceError::NoSignal { signal, .. } if signal == "Word"), "{error}");
    assert!(snapshot.branches.keys().eq(["b:1", "f:1", "o:0"]), "{:?}", snapshot.branches);
    let open: Vec<&str> = snapshot.calls.iter().map(|call| call.branch.as_str()).collect();
    assert_eq!(open, ["", "1"]);
    let snapshot = place.engine.deliver(&snapshot, &Word("two".to_owned())).unwrap();
    assert_eq!(told(&place.advance(snapshot).await.0).unwrap(), ["{one|two}"]);
}

#[tokio::test]
async fn the_first_step_of_a_select_wins() {
    let place = place();
    let last = place.end(place.first([Line::Race(vec![vec![step("one")], vec![step("two")]])])).await;
    assert_eq!(told(&last).unwrap(), ["0:one"]);
    assert_eq!(place.world.texts(), ["one"]);
}

#[tokio::test]
async fn a_run_that_waits_for_several_things_says_so() {
    let place = place();
    let first = place.first([Line::Race(vec![vec![Line::Listen], vec![Line::Sleep(60)]])]);
    let (snapshot, error) = place.advance(first).await;
    let until = Timestamp::from_micros(60_000_000);
    assert!(
        matches!(&error, AdvanceError::Waits { until: Some(time), signals, .. } if *time == until && signals == &["Word"])
    );
    assert!(error.to_string().contains("until 1970-01-01T00:01:00Z or for the signal `Word`"), "{error}");
    let answered = place.engine.deliver(&snapshot, &Word("hello".to_owned())).unwrap();
    assert_eq!(answered.status, RunStatus::Ready);
    assert_eq!(told(&place.advance(answered).await.0).unwrap(), ["0:hello"]);
    place.clock.advance(Duration::from_mins(1));
    assert_eq!(told(&place.advance(snapshot).await.0).unwrap(), ["1:slept"]);
}

#[tokio::test]
async fn a_limit_of_time_and_one_of_branches_hold() {
    let place = place();
    let within = Line::Within(5, Box::new(Line::Listen));
    let some = Line::Some(1, vec![vec![step("one")], vec![Line::Sleep(3)], vec![step("two")]]);
    let last = place.end(place.first([within, some])).await;
    assert_eq!(told(&last).unwrap()[1], "{one|slept|two}");
    assert_eq!(place.clock_seconds(), 8);
}

impl Place {
    fn clock_seconds(&self) -> i64 {
        use refluxo::time::Clock as _;
        self.clock.now().as_micros() / 1_000_000
    }
}

#[tokio::test]
async fn a_step_that_fails_is_tried_again_when_it_is_due() {
    let place = place();
    let (snapshot, error) = place.advance(place.first([Line::Flaky("one".to_owned(), 1)])).await;
    assert!(matches!(error, AdvanceError::NotDue { .. }), "{error}");
    assert_eq!((snapshot.calls[0].attempt, snapshot.status), (2, RunStatus::Waiting));
    let last = place.end(snapshot).await;
    assert_eq!(last.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_run_that_fails_undoes_what_it_did_step_by_step() {
    let place = place();
    let lines = [
        Line::Undo("first".to_owned()),
        Line::UndoChild(vec![step("second")]),
        step("work"),
        Line::Fail("no".to_owned()),
    ];
    let mut snapshot = place.first(lines);
    let mut heights = Vec::new();
    while let Ok(next) = place.engine.advance(&snapshot).await {
        snapshot = kept(&next);
        heights.push((snapshot.undo.len(), snapshot.ending));
    }
    assert_eq!((snapshot.status, told(&snapshot)), (RunStatus::Failed, Err("no".to_owned())));
    assert_eq!(place.world.texts(), ["work", "second", "first"]);
    assert!(heights.contains(&(1, Some(Ending::Failed))), "{heights:?}");
    assert_eq!((snapshot.ending, snapshot.undo.len(), snapshot.children.len()), (None, 0, 0));
    assert_eq!(snapshot.at, "Note", "the state of a failed run stays");
}

#[tokio::test]
async fn a_run_is_cancelled_with_its_child() {
    let place = place();
    let child = Line::Child(vec![Line::Undo("inner".to_owned()), Line::Listen]);
    let (snapshot, _) = place.advance(place.first([Line::Undo("outer".to_owned()), child])).await;
    let snapshot = place.engine.cancel(&snapshot).unwrap();
    let (snapshot, error) = place.advance(snapshot).await;
    assert!(matches!(error, AdvanceError::Ended { .. }), "{error}");
    assert_eq!((snapshot.status, snapshot.children.len()), (RunStatus::Cancelled, 0));
    assert_eq!(place.world.texts(), ["inner", "outer"]);
}

#[tokio::test]
async fn the_child_of_a_lost_branch_is_cancelled_and_undoes_what_it_did() {
    let place = place();
    let child = Line::Child(vec![Line::Undo("inner".to_owned()), Line::Listen]);
    let first = place.first([Line::Race(vec![vec![child], vec![Line::Sleep(5)]]), step("after")]);
    let last = place.end(first).await;
    assert_eq!(told(&last).unwrap(), ["1:slept", "after"]);
    assert_eq!((place.world.texts(), last.children.len()), (vec!["after".to_owned(), "inner".to_owned()], 0));
}

#[tokio::test]
async fn a_run_is_paused_and_resumed() {
    let place = place();
    let snapshot = place.engine.pause(&place.first([step("one")])).unwrap();
    let (snapshot, error) = place.advance(snapshot).await;
    assert!(matches!(error, AdvanceError::Paused { .. }), "{error}");
    assert_eq!((snapshot.status, place.world.texts().len()), (RunStatus::Paused, 0));
    let last = place.end(place.engine.resume(&snapshot).unwrap()).await;
    assert_eq!(told(&last).unwrap(), ["one"]);
}

#[tokio::test]
async fn a_parked_run_is_retried_under_its_key() {
    let place = place();
    let (parked, _) = place.advance(place.first([step("boom")])).await;
    assert!(matches!(parked.error, Some(ParkReason::StepPanicked { .. })));
    let snapshot = place.engine.retry(&parked).unwrap();
    assert_eq!(snapshot.status, RunStatus::Parked, "it is heeded when the run is advanced");
    let snapshot = kept(&place.engine.advance(&snapshot).await.unwrap());
    assert_eq!((snapshot.status, snapshot.error.is_none()), (RunStatus::Ready, true));
    assert_eq!((&snapshot.calls[0].key, snapshot.calls[0].attempt), (&parked.calls[0].key, 2));
}

#[tokio::test]
async fn a_spawned_run_is_handed_out() {
    let place = place();
    let last = place.end(place.first([Line::Spawn(vec![step("own")]), step("one")])).await;
    assert_eq!((last.status, place.world.texts()), (RunStatus::Completed, vec!["one".to_owned()]));
    let [spawned] = &last.spawned[..] else { panic!("one run was spawned") };
    assert_eq!(told(&place.end(spawned.clone()).await).unwrap(), ["own"]);
}
