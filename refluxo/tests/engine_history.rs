//! What the history of a run tells, and how it is stored.

mod support;

use std::time::Duration;

use refluxo::{
    Run,
    engine::{CallEntry, CallOutcome, HistoryEntry, HistoryEvent, ReadError, ResultError},
    observer::AttemptOutcome,
    snapshot::{ParkReason, RunStatus, WaitingFor},
    store::{Page, RunId, Status, Store},
};
use support::{
    Place, build, passing,
    script::{Line, Script, Word, script},
    soon, step, until,
};

everywhere! {
    each_attempt_is_told_with_its_outcome,
    every_order_is_told_with_who_and_why,
    a_history_is_read_page_by_page,
    long_words_are_cut_off,
    a_copy_tells_where_it_comes_from,
    what_a_later_version_wrote_is_shown_as_it_is,
}

/// All entries of a run, the oldest first.
async fn told(run: &Run<Script>) -> Vec<HistoryEntry> {
    let mut entries = run.history().limit(1_000).await.unwrap().entries;
    entries.reverse();
    entries
}

/// Those of them that are about calls.
async fn calls(run: &Run<Script>) -> Vec<CallEntry> {
    let call = |entry: HistoryEntry| match entry.event {
        HistoryEvent::Call(call) => Some(*call),
        _ => None,
    };
    told(run).await.into_iter().filter_map(call).collect()
}

async fn each_attempt_is_told_with_its_outcome(place: Place) {
    let engine = place.patient_engine().await;
    let lines = [
        Line::Undo("undone".to_owned()),
        Line::Flaky("fails once".to_owned(), 1),
        Line::Flaky("crashes once".to_owned(), 1),
        Line::Within(5, Box::new(Line::Listen)),
        Line::Flaky("bad".to_owned(), 9),
    ];
    let run = engine.start("a", script(lines)).await.unwrap();
    passing(&place, run.result()).await.unwrap().unwrap_err();
    let calls = calls(&run).await;
    let shown = calls.iter().map(|call| {
        let what = match &call.call {
            WaitingFor::Start => "start",
            WaitingFor::Step { name } | WaitingFor::Signal { name } => name,
            other => panic!("{other:?}"),
        };
        let led = match &call.outcome {
            CallOutcome::To(state) => state.clone(),
            CallOutcome::Again(due) => {
                assert!(*due > call.ended);
                "again".to_owned()
            }
            CallOutcome::Undoes => "undoes".to_owned(),
            CallOutcome::Undone => "undone".to_owned(),
            other => panic!("{other:?}"),
        };
        (what, call.attempt, call.result, call.error.as_deref(), call.elapsed, led)
    });
    let expected = [
        ("start", 1, None, None, false, "Flaky"),
        ("flaky", 1, Some(AttemptOutcome::Failed), Some("fails once failed"), false, "again"),
        ("flaky", 2, Some(AttemptOutcome::Returned), None, false, "Flaky"),
        ("flaky", 1, Some(AttemptOutcome::Panicked), Some("the step says so"), false, "again"),
        ("flaky", 2, Some(AttemptOutcome::Returned), None, false, "WordSoon"),
        ("Word", 1, None, None, true, "Flaky"),
        ("flaky", 1, Some(AttemptOutcome::Failed), Some("for good"), false, "undoes"),
        ("note", 1, Some(AttemptOutcome::Returned), None, false, "undone"),
    ];
    assert_eq!(
        shown.collect::<Vec<_>>(),
        expected.map(|(what, attempt, result, error, elapsed, led)| {
            (what, attempt, result, error, elapsed, led.to_owned())
        })
    );
    assert!(calls.iter().all(|call| call.started.is_some() == call.result.is_some()));
    assert_eq!(calls[1].key, calls[2].key, "the attempts of one call have one key");
    assert_ne!(calls[2].key, calls[3].key);
}

async fn every_order_is_told_with_who_and_why(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([Line::Listen])).await.unwrap();
    run.pause().by("eve").reason("lunch").await.unwrap();
    run.resume().await.unwrap();
    run.cancel().reason("enough").await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    let orders = told(&run).await.into_iter().filter_map(|entry| match entry.event {
        HistoryEvent::Order(order) => Some((order.verb.name(), order.by, order.reason, order.heeded)),
        _ => None,
    });
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        orders.collect::<Vec<_>>(),
        [
            ("pause", text("eve"), text("lunch"), true),
            ("resume", None, None, true),
            ("cancel", None, text("enough"), true),
        ]
    );
}

async fn a_history_is_read_page_by_page(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([step("one"), step("two"), step("three")])).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    let all = told(&run).await;
    let mut paged = Vec::new();
    let mut next = None;
    loop {
        let page = engine.history("a").limit(2).before(next).await.unwrap();
        assert!(page.entries.len() <= 2);
        paged.extend(page.entries);
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    paged.reverse();
    let shown = |entries: &[HistoryEntry]| serde_json::to_value(entries).unwrap();
    assert_eq!(shown(&paged), shown(&all));
    assert!(all.is_sorted_by(|one, next| one.id < next.id && one.revision <= next.revision));
    let missing = engine.history("b").await.unwrap_err();
    assert!(matches!(missing, ReadError::Unknown { .. }), "{missing}");
    let _asleep = engine.start("c", script([])).after(Duration::from_hours(1)).await.unwrap();
    assert_eq!(engine.history("c").await.unwrap().entries.len(), 0, "it has done nothing yet");
}

async fn long_words_are_cut_off(place: Place) {
    let engine = place.patient_engine().await;
    let long = "ö".repeat(5_000);
    let run = engine.start("a", script([Line::Flaky(long.clone(), 1), Line::Listen])).await.unwrap();
    until(async || calls(&run).await.len() > 1).await;
    run.abort().by(&long).reason(&long).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Cancelled { .. })));
    let cut = format!("{}…", "ö".repeat(500));
    assert_eq!(calls(&run).await[1].error.as_ref(), Some(&cut));
    let entries = told(&run).await;
    let Some(HistoryEvent::Order(order)) = entries.last().map(|entry| &entry.event) else {
        panic!("{entries:?}")
    };
    assert_eq!((order.by.as_ref(), order.reason.as_ref()), (Some(&cut), Some(&cut)));
}

async fn a_copy_tells_where_it_comes_from(place: Place) {
    let engine = place.patient_engine().await;
    let run = engine.start("a", script([Line::Fail("no".to_owned())])).await.unwrap();
    soon(run.result()).await.unwrap().unwrap_err();
    let copy = run.fork("b").by("eve").reason("try again").await.unwrap();
    let entries = told(&copy).await;
    let HistoryEvent::Forked(fork) = &entries[0].event else { panic!("{entries:?}") };
    assert_eq!((fork.forked_from.as_str(), fork.at_revision.0), ("a", 1));
    assert_eq!((fork.by.as_deref(), fork.reason.as_deref()), (Some("eve"), Some("try again")));
}

async fn what_a_later_version_wrote_is_shown_as_it_is(place: Place) {
    let store = place.store().await;
    let engine = build(place.builder(store.clone())).await;
    let run = engine.start("a", script([step("one")])).await.unwrap();
    soon(run.result()).await.unwrap().unwrap();
    engine.shutdown().await;
    let record =
        store.load(&RunId::new("a").unwrap(), refluxo::store::Depth::All).await.unwrap().value.unwrap();
    let entries = [&br#"{"from":"Start","moved":"far"}"#[..], b"not JSON"];
    let new_run = refluxo::store::NewRun {
        id: RunId::new("later").unwrap(),
        uid: refluxo::store::Uid::random(),
        root: RunId::new("later").unwrap(),
        parent: None,
        queue: "other".to_owned(),
        lane: refluxo::store::Lane::default(),
        input: record.row.input,
        head: refluxo::store::Head { status: Status::Ready, ..record.row.head },
        state: record.state,
        parts: Vec::new(),
        attributes: Vec::new(),
        entries: entries.into_iter().map(bytes::Bytes::from_static).collect(),
        start: refluxo::store::Start::Now,
    };
    store.create(vec![new_run]).await.unwrap();
    let page = engine.history("later").await.unwrap();
    let shown = page.entries.iter().map(|entry| match &entry.event {
        HistoryEvent::Other(json) => json.get(),
        other => panic!("{other:?}"),
    });
    assert_eq!(shown.collect::<Vec<_>>(), [r#""not JSON""#, r#"{"from":"Start","moved":"far"}"#]);
}

/// The bytes of a run's entries, the oldest first, with each key as `KEY`.
async fn stored(store: &dyn Store, id: &str) -> Vec<String> {
    let page = Page { before: None, limit: 100 };
    let mut entries = store.history(&RunId::new(id).unwrap(), page).await.unwrap().value;
    entries.reverse();
    let text = |body: &[u8]| {
        let text = String::from_utf8(body.to_vec()).unwrap();
        match text.split_once(r#""key":""#) {
            Some((before, rest)) => format!(r#"{before}"key":"KEY{}"#, &rest[rest.find('"').unwrap()..]),
            None => text,
        }
    };
    entries.iter().map(|entry| text(&entry.body)).collect()
}

/// What is stored stays readable: a change of these texts is one of the format.
#[tokio::test]
async fn entries_are_stored_so() {
    let place = Place::memory();
    let store = place.store().await;
    let engine = build(place.builder(store.clone())).await;
    let lines = [
        Line::Undo("undone".to_owned()),
        Line::Flaky("x".to_owned(), 1),
        Line::All(vec![vec![step("a")], vec![Line::Listen]]),
        step("boom"),
    ];
    let run = engine.start("a", script(lines)).await.unwrap();
    until(async || calls(&run).await.len() == 2).await;
    place.clock.advance(Duration::from_secs(1));
    let is_end = |call: CallEntry| matches!(call.outcome, CallOutcome::BranchEnded { .. });
    until(async || calls(&run).await.into_iter().any(is_end)).await;
    run.signal(Word("go".to_owned())).await.unwrap();
    assert!(matches!(soon(run.result()).await, Err(ResultError::Parked { .. })));
    run.pause().by("eve").reason("to look").await.unwrap();
    run.abort().await.unwrap();
    until(async || run.snapshot().await.unwrap().status == RunStatus::Cancelled).await;
    let copy = run.fork("b").force().by("eve").await.unwrap();
    copy.cancel().await.unwrap();
    let _ = soon(copy.result()).await;
    let mut found = stored(&*store, "a").await;
    found.push(stored(&*store, "b").await.remove(0));
    assert_eq!(found.join("\n"), GOLDEN.trim());
    for entry in told(&run).await {
        assert!(!matches!(entry.event, HistoryEvent::Other(_)), "{entry:?}");
    }
    let parked = calls(&run).await.into_iter().find_map(|call| match call.outcome {
        CallOutcome::Parked(reason) => Some(reason),
        _ => None,
    });
    assert!(matches!(parked, Some(ParkReason::StepPanicked { .. })), "{parked:?}");
}

const GOLDEN: &str = r#"
{"from":"Start","call":{},"attempt":1,"key":"KEY","ended":"2023-11-14T22:13:20Z","to":"Flaky"}
{"from":"Flaky","call":{"step":"flaky"},"attempt":1,"key":"KEY","started":"2023-11-14T22:13:20Z","ended":"2023-11-14T22:13:20Z","result":"failed","error":"x failed","again":"2023-11-14T22:13:21Z"}
{"from":"Flaky","call":{"step":"flaky"},"attempt":2,"key":"KEY","started":"2023-11-14T22:13:21Z","ended":"2023-11-14T22:13:21Z","result":"returned","to":"All"}
{"from":"All","branch":"0","call":{},"attempt":1,"key":"KEY","ended":"2023-11-14T22:13:21Z","to":"Note"}
{"from":"All","branch":"1","call":{},"attempt":1,"key":"KEY","ended":"2023-11-14T22:13:21Z","to":"Word"}
{"from":"All","branch":"0","call":{"step":"note"},"attempt":1,"key":"KEY","started":"2023-11-14T22:13:21Z","ended":"2023-11-14T22:13:21Z","result":"returned","branchEnd":{"failed":false}}
{"from":"All","branch":"1","call":{"signal":"Word"},"attempt":1,"key":"KEY","ended":"2023-11-14T22:13:21Z","to":"Note"}
{"from":"Note","call":{"step":"note"},"attempt":1,"key":"KEY","ended":"2023-11-14T22:13:21Z","parked":{"reason":"stepPanicked","step":"note","message":"the step says so"}}
{"from":"Note","verb":"pause","by":"eve","reason":"to look","asked":"2023-11-14T22:13:21Z","heeded":true}
{"from":"Note","verb":"abort","asked":"2023-11-14T22:13:21Z","heeded":true}
{"from":"Note","branch":"u:0","call":{"step":"note"},"attempt":1,"key":"KEY","started":"2023-11-14T22:13:21Z","ended":"2023-11-14T22:13:21Z","result":"returned","undone":true}
{"forkedFrom":"a","atRevision":10,"by":"eve"}
"#;
