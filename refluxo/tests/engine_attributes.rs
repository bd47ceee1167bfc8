//! What workflows say of their runs, to be found by.

mod support;

use std::collections::BTreeMap;

use refluxo::{
    Engine, Run,
    engine::{ResultError, StartError},
    snapshot::ParkReason,
    store::{AttrValue, InvalidAttribute},
};
use support::{
    Place, build, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    an_attribute_is_there_with_the_state_that_follows_it,
    a_run_is_found_by_what_it_says_wherever_it_says_it,
    what_was_not_stored_was_not_said,
    an_attribute_that_is_too_long_parks_the_run,
    a_start_gives_attributes,
    a_copy_has_the_attributes_of_the_first_run,
}

fn tag(name: &str, value: i64) -> Line {
    Line::Tag(name.to_owned(), value)
}

/// The attributes of a run, as its snapshot shows them.
async fn attributes(run: &Run<Script>) -> Vec<String> {
    shown(&run.snapshot().await.unwrap().attributes)
}

fn shown(attributes: &BTreeMap<String, AttrValue>) -> Vec<String> {
    attributes
        .iter()
        .map(|(name, value)| format!("{name}={}", serde_json::to_string(value).unwrap()))
        .collect()
}

/// The ids of the runs with this attribute.
async fn found(engine: &Engine, name: &str, value: i64) -> Vec<String> {
    let page = engine.runs().attribute(name, value).page(100).await.unwrap();
    let mut ids: Vec<String> = page.runs.iter().map(|run| run.id.to_string()).collect();
    ids.sort();
    ids
}

async fn an_attribute_is_there_with_the_state_that_follows_it(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [
        tag("a", 1),
        tag("b", 1),
        Line::Listen,
        tag("a", 2),
        Line::Untag("b".to_owned()),
        tag("c", 1),
        Line::Untag("c".to_owned()),
        Line::Listen,
    ];
    let run = engine.start("a", script(lines)).await.unwrap();
    until(async || run.snapshot().await.unwrap().at == "Word").await;
    assert_eq!(attributes(&run).await, ["a=1", "b=1"]);
    let summary = engine.runs().page(1).await.unwrap().runs.remove(0);
    assert_eq!(shown(&summary.attributes), ["a=1", "b=1"]);
    run.signal(Word("on".to_owned())).await.unwrap();
    until(async || attributes(&run).await == ["a=2"]).await;
    assert_eq!(found(&engine, "b", 1).await, [""; 0]);
    run.signal(Word("on".to_owned())).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(attributes(&run).await, ["a=2"], "they outlive the run");
    assert_eq!(found(&engine, "a", 2).await, ["a"]);
}

async fn a_run_is_found_by_what_it_says_wherever_it_says_it(place: Place) {
    let engine = place.patient_engine().await;
    let said = |value| vec![step("one"), tag("said", value), step("two")];
    let race = |value| Line::Race(vec![said(value), vec![Line::Listen]]);
    let cases = [
        ("last", vec![step("one"), tag("said", 1)]),
        ("join", vec![Line::All(vec![said(2), vec![step("three")]])]),
        ("end of a branch", vec![Line::All(vec![vec![step("one"), tag("said", 3)], vec![step("three")]])]),
        ("end of a join", vec![Line::All(vec![vec![step("one"), tag("said", 4)]])]),
        ("join_all", vec![Line::Some(1, vec![vec![tag("other", 1), step("a")], said(5)])]),
        ("select", vec![race(6)]),
        ("nested", vec![Line::All(vec![vec![race(7)]])]),
    ];
    for ((name, lines), value) in cases.into_iter().zip(1..) {
        let run = engine.start(name, script(lines)).await.unwrap();
        passing(&place, run.result()).await.unwrap().unwrap();
        assert_eq!(found(&engine, "said", value).await, [name]);
    }
    // A child says it of itself, and so does one that undoes something.
    let child = Line::Child(vec![tag("said", 20), step("one")]);
    let undo = Line::UndoChild(vec![tag("said", 21), step("one")]);
    let run = engine.start("parent", script([child, undo, Line::Fail("no".to_owned())])).await.unwrap();
    passing(&place, run.result()).await.unwrap().unwrap_err();
    for value in [20, 21] {
        let ids = found(&engine, "said", value).await;
        assert!(matches!(&ids[..], [id] if id.starts_with("parent/")), "{value}: {ids:?}");
    }
    assert_eq!(attributes(&run).await, [""; 0]);
    let children = engine.runs().parent("parent").page(9).await.unwrap();
    assert_eq!(children.runs.len(), 2);
}

/// The code that panicked is run again after a retry, and says it then.
async fn what_was_not_stored_was_not_said(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine
        .start("a", script([tag("before", 1), step("one"), tag("after", 1), Line::Panic]))
        .await
        .unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    assert_eq!(attributes(&run).await, ["before=1"]);
}

async fn an_attribute_that_is_too_long_parks_the_run(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one"), tag(&"n".repeat(101), 1), step("two")])).await.unwrap();
    let parked = soon(run.result()).await.unwrap_err();
    match parked {
        ResultError::Parked { reason: ParkReason::Unsaved { message }, .. } => {
            assert!(
                message.contains("attribute") && message.ends_with("more than 100 bytes: shorten it"),
                "{message}"
            );
        }
        other => panic!("{other}"),
    }
    assert_eq!(place.world.texts(), ["one"]);
}

async fn a_start_gives_attributes(place: Place) {
    let engine = place.patient_engine().await;
    let start = |id: &str| engine.start(id, script([Line::Listen, tag("n", 3)]));
    let run = start("a").attribute("n", 1).attribute("n", 2).attribute("who", "Eve").await.unwrap();
    assert_eq!(attributes(&run).await, ["n=2", "who=\"Eve\""]);
    start("a").attribute("n", 7).await.unwrap();
    assert_eq!(attributes(&run).await, ["n=2", "who=\"Eve\""], "it is the same run");
    run.signal(Word("on".to_owned())).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    assert_eq!(attributes(&run).await, ["n=3", "who=\"Eve\""]);
    let error = start("b").attribute("", 1).await.unwrap_err();
    assert!(matches!(error, StartError::Attribute { cause: InvalidAttribute::NoName, .. }), "{error}");
}

async fn a_copy_has_the_attributes_of_the_first_run(place: Place) {
    let engine = build(place.builder(place.store().await).keep_states(3)).await;
    let run = engine
        .start("a", script([tag("n", 1), step("one"), tag("n", 2), Line::Fail("no".to_owned())]))
        .await
        .unwrap();
    soon(run.result()).await.unwrap().unwrap_err();
    let copy = run.fork("b").by("eve").await.unwrap();
    assert_eq!(attributes(&copy).await, ["n=2"]);
}
