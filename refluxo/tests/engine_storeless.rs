//! Runs without a store: the caller keeps the snapshot.

mod support;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use refluxo::{
    Engine,
    engine::{AdvanceError, CopyError, DeliverError, Storeless},
    snapshot::{RunStatus, Snapshot},
    time::{ManualClock, Timestamp},
};
use support::{
    script::{Line, Script, Told, Word, script},
    step,
    world::World,
};

/// An engine, its clock and the world.
fn storeless() -> (Storeless, Arc<ManualClock>, World) {
    let (clock, world) = (Arc::new(ManualClock::at(Timestamp::EPOCH)), World::new());
    let builder = Engine::storeless().register::<Script>().provide(world.clone()).clock(clock.clone());
    (builder.build().unwrap(), clock, world)
}

/// A snapshot as it comes back from wherever the caller keeps it.
fn kept(snapshot: &Snapshot) -> Snapshot {
    serde_json::from_str(&serde_json::to_string(snapshot).unwrap()).unwrap()
}

/// Advances until the run ends or waits.
async fn advance(engine: &Storeless, mut snapshot: Snapshot) -> (Snapshot, AdvanceError) {
    loop {
        match engine.advance(&snapshot).await {
            Ok(next) => snapshot = kept(&next),
            Err(error) => return (snapshot, error),
        }
    }
}

#[tokio::test]
async fn each_advance_is_one_step() {
    let (engine, _, world) = storeless();
    let first = engine.first("a", &script([step("one"), step("two")])).unwrap();
    assert_eq!((first.status, first.at.as_str(), first.revision.0), (RunStatus::Ready, "Start", 0));
    let second = engine.advance(&first).await.unwrap();
    assert_eq!((second.at.as_str(), world.texts().len()), ("Note", 0));
    let third = engine.advance(&kept(&second)).await.unwrap();
    assert_eq!((third.at.as_str(), world.texts().len()), ("Note", 1));
    let last = engine.advance(&kept(&third)).await.unwrap();
    assert_eq!(last.status, RunStatus::Completed);
    assert_eq!(last.output::<Told>().unwrap().unwrap().unwrap(), ["one", "two"]);
    assert!(matches!(engine.advance(&last).await, Err(AdvanceError::Ended { .. })));
}

#[tokio::test]
async fn a_snapshot_advanced_twice_repeats_the_call_under_its_key() {
    let (engine, _, world) = storeless();
    let first = engine.first("a", &script([step("one"), step("one")])).unwrap();
    let second = engine.advance(&first).await.unwrap();
    let third = engine.advance(&second).await.unwrap();
    engine.advance(&second).await.unwrap();
    engine.advance(&third).await.unwrap();
    let keys: Vec<_> = world.notes().into_iter().map(|noted| noted.key).collect();
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_eq!(keys[0], second.calls[0].key);
}

#[tokio::test]
async fn waits_for_time_and_signals() {
    let (engine, clock, _) = storeless();
    let first = engine.first("a", &script([Line::Sleep(60), Line::Listen, Line::Listen])).unwrap();
    let (snapshot, error) = advance(&engine, first).await;
    assert!(
        matches!(error, AdvanceError::NotDue { until, .. } if until == Timestamp::from_micros(60_000_000))
    );
    let snapshot = engine.deliver(&snapshot, &Word("early".to_owned())).unwrap();
    assert_eq!(snapshot.status, RunStatus::Waiting);
    clock.advance(Duration::from_mins(1));
    let (snapshot, error) = advance(&engine, snapshot).await;
    assert!(matches!(&error, AdvanceError::NoSignal { signal, .. } if signal == "Word"), "{error}");
    let snapshot = engine.deliver_json(&snapshot, "Word", "late").unwrap();
    assert_eq!(snapshot.status, RunStatus::Ready);
    let (snapshot, _) = advance(&engine, snapshot).await;
    assert_eq!(snapshot.output::<Told>().unwrap().unwrap().unwrap(), ["slept", "early", "late"]);
    let error = engine.deliver(&snapshot, &Word("too late".to_owned())).unwrap_err();
    assert!(matches!(error, DeliverError::Finished { .. }), "{error}");
    assert!(matches!(
        engine.deliver_json(&snapshot, "Wurd", "late").unwrap_err(),
        DeliverError::NotAwaited(_)
    ));
}

#[tokio::test]
async fn a_child_lives_in_its_parents_snapshot() {
    let (engine, _, world) = storeless();
    let lines = [Line::Child(vec![step("inner"), Line::Child(vec![step("deep")])]), step("outer")];
    let mut snapshot = engine.first("a", &script(lines)).unwrap();
    let mut most_children = 0;
    let error = loop {
        match engine.advance(&snapshot).await {
            Ok(next) => snapshot = kept(&next),
            Err(error) => break error,
        }
        most_children = most_children.max(snapshot.children.len());
    };
    assert!(matches!(error, AdvanceError::Ended { .. }), "{error}");
    assert_eq!(snapshot.output::<Told>().unwrap().unwrap().unwrap(), ["[inner [deep]]", "outer"]);
    assert_eq!(world.texts(), ["inner", "deep", "outer"]);
    assert_eq!((most_children, snapshot.children.len()), (1, 0));
}

#[tokio::test]
async fn attributes_are_in_the_snapshot() {
    let (engine, ..) = storeless();
    let lines = [
        Line::Tag("a".into(), 1),
        Line::Tag("b".into(), 1),
        Line::Child(vec![Line::Tag("c".into(), 1), Line::Sleep(60)]),
    ];
    let first = engine.first("a", &script(lines)).unwrap();
    let (snapshot, _) = advance(&engine, first).await;
    let json = serde_json::to_value(&snapshot).unwrap();
    assert_eq!(json["attributes"], serde_json::json!({ "a": 1, "b": 1 }));
    assert_eq!(
        json["children"][0]["attributes"],
        serde_json::json!({ "c": 1 }),
        "those of the child are its own"
    );
}

#[tokio::test]
async fn a_dozen_pushes_are_all_undone_the_last_first() {
    let (engine, _, world) = storeless();
    let texts: Vec<String> = (0..12).map(|number| number.to_string()).collect();
    let pushes = |of: &[String]| of.iter().cloned().map(Line::Undo).collect::<Vec<_>>();
    // The tenth and the eleventh are pushed in one turn.
    let lines =
        [pushes(&texts[..9]), vec![Line::Sleep(0)], pushes(&texts[9..]), vec![Line::Fail("no".into())]];
    let first = engine.first("a", &script(lines.concat())).unwrap();
    let (snapshot, _) = advance(&engine, first).await;
    assert_eq!(snapshot.status, RunStatus::Failed);
    assert!(world.texts().iter().eq(texts.iter().rev()), "{:?}", world.texts());
}

#[tokio::test]
async fn a_panic_gives_a_parked_snapshot_that_says_why() {
    let (engine, _, _) = storeless();
    let first = engine.first("a", &script([step("boom")])).unwrap();
    let (snapshot, error) = advance(&engine, first).await;
    assert_eq!(snapshot.status, RunStatus::Parked);
    assert!(error.to_string().contains("the step `note` panicked: the step says so"), "{error}");
}

#[tokio::test]
async fn a_field_that_the_code_does_not_know_parks_the_run() {
    let (engine, _, _) = storeless();
    let mut snapshot = engine.first("a", &script([])).unwrap();
    snapshot.state = serde_json::value::RawValue::from_string(
        r#"{"lines":[],"next":0,"told":[],"number":0.0,"branch":false,"later":1}"#.to_owned(),
    )
    .unwrap();
    let (_, error) = advance(&engine, snapshot).await;
    assert!(error.to_string().contains("has a field `later` that the code doesn't know"), "{error}");
}

#[tokio::test]
async fn a_document_of_another_format_is_refused() {
    let (engine, _, _) = storeless();
    let snapshot = engine.first("a", &script([])).unwrap();
    let json = serde_json::to_string(&snapshot).unwrap().replace(r#""format":1"#, r#""format":2"#);
    let error = serde_json::from_str::<Snapshot>(&json).unwrap_err();
    assert!(error.to_string().contains("the snapshot is of format 2"), "{error}");
}

#[tokio::test]
async fn a_copy_goes_on_from_the_snapshot_under_keys_and_with_children_of_its_own() {
    let (engine, clock, world) = storeless();
    let child = Line::Child(vec![step("two"), Line::Sleep(60)]);
    let branches = vec![vec![step("one")], vec![Line::Listen], vec![child]];
    let first = engine.first("a", &script([Line::Undo("undo".to_owned()), Line::All(branches)])).unwrap();
    let (snapshot, _) = advance(&engine, first).await;
    let copy = kept(&engine.fork(&snapshot, "b").unwrap());
    assert_eq!((copy.id.as_str(), copy.status, copy.undo.len()), ("b", RunStatus::Waiting, 1));
    assert_ne!(copy.uid, snapshot.uid);
    assert!(copy.calls.iter().all(|call| snapshot.calls.iter().all(|other| other.key != call.key)));
    for run in [copy, snapshot] {
        let spoken = engine.deliver(&run, &Word("hello".to_owned())).unwrap();
        let (asleep, _) = advance(&engine, spoken).await;
        clock.advance(Duration::from_mins(1));
        let (ended, _) = advance(&engine, asleep).await;
        assert_eq!(ended.output::<Told>().unwrap().unwrap().unwrap(), ["{one|hello|[two slept]}"]);
    }
    assert_eq!(world.texts(), ["one", "two", "two"]);
}

#[tokio::test]
async fn a_copy_makes_the_call_of_the_snapshot_again_under_its_own_key() {
    let (engine, _, world) = storeless();
    let first = engine.first("a", &script([step("boom")])).unwrap();
    let (parked, _) = advance(&engine, first).await;
    let copy = engine.fork(&parked, "b").unwrap();
    assert_eq!((copy.status, copy.calls[0].attempt), (RunStatus::Ready, 1));
    let (parked_copy, _) = advance(&engine, copy).await;
    assert_eq!(parked_copy.status, RunStatus::Parked);
    let keys: BTreeSet<_> = world.notes().into_iter().map(|noted| noted.key).collect();
    assert_eq!(keys.len(), 2);

    let cancelled = engine.abort(&parked).unwrap();
    let (cancelled, _) = advance(&engine, cancelled).await;
    assert!(matches!(engine.fork(&cancelled, "c"), Err(CopyError::Over { .. })));
    assert!(matches!(engine.fork(&parked, ""), Err(CopyError::InvalidId(_))));
}

#[tokio::test]
async fn a_verb_says_who_wants_it_and_why() {
    let (engine, _, _) = storeless();
    let first = engine.first("a", &script([Line::Listen])).unwrap();
    let told = engine.by("eve").reason("it was a test").cancel(&first).unwrap();
    let [message] = &told.inbox[..] else { panic!("there is one message") };
    assert_eq!(message.kind, "verb:cancel");
    assert_eq!(message.body.get(), r#"{"by":"eve","reason":"it was a test"}"#);
    let (ended, _) = advance(&engine, told).await;
    assert_eq!(ended.status, RunStatus::Cancelled);
    assert_eq!(engine.reason("why").pause(&first).unwrap().inbox[0].body.get(), r#"{"reason":"why"}"#);
}
