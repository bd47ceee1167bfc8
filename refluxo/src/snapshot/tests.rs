//! Documents of today and of yesterday.

use bytes::Bytes;

use super::{
    Call, Ending, GroupCall, Hot, LoadError, Path, Retrying, RunStatus, Snapshot, WaitingFor, output_of,
    parts::split,
};
use crate::{
    store::{Due, Head, InputHash, Lane, Part, Record, Revision, Row, RunId, Seq, Status, Uid},
    suspend::Rule,
    time::Timestamp,
};

/// A head that was written before there were branches, attempts and undo.
const OLD_HEAD: &str = r#"{"format":1,"calls":[{"branch":"","waitingFor":{"signal":"Approval"},"entered":16,"attempt":1,"key":"00ff"}]}"#;

/// A snapshot of that time.
const OLD_SNAPSHOT: &str = r#"{"format":1,"id":"order-42","uid":"01939b2f-0000-7000-8000-000000000000","workflow":"checkout",
    "version":1,"revision":17,"status":"waiting","at":"Approval","state":{"call":{}},
    "calls":[{"branch":"","waitingFor":{"until":"2026-11-25T09:00:00Z"},"entered":16,"attempt":1,"key":"00ff"}],
    "inbox":[],"undo":[],"parent":null,"output":null,"error":null,
    "createdAt":"2026-11-22T09:00:00Z","updatedAt":"2026-11-22T09:00:00Z"}"#;

fn call(waiting_for: WaitingFor) -> Call {
    Call {
        branch: "1.0".to_owned(),
        at: None,
        waiting_for,
        until: None,
        entered: Revision(3),
        attempt: 1,
        retry: None,
        key: "00ff".to_owned(),
    }
}

fn record(status: Status, head: &str, state: &str, parts: &[(&str, &str)]) -> Record {
    let id = RunId::new("order-42").expect("an id");
    let head =
        Head { status, at: "Approval".to_owned(), version: 1, body: Bytes::copy_from_slice(head.as_bytes()) };
    let row = Row {
        root: id.clone(),
        id,
        uid: Uid::from_u128(7),
        parent: None,
        queue: "checkout".to_owned(),
        lane: Lane::default(),
        input: InputHash([0; 32]),
        head,
        revision: Revision(17),
        due: Due::Never,
        claims: 0,
        inbox_last: Seq(0),
        inbox_read: Seq(0),
        created: Timestamp::EPOCH,
        updated: Timestamp::EPOCH,
        ended: None,
    };
    let part = |(name, body): &(&str, &str)| Part {
        name: (*name).to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let parts = parts.iter().map(part).collect();
    Record {
        row,
        state: Bytes::copy_from_slice(state.as_bytes()),
        parts,
        attributes: vec![],
        inbox: vec![],
        owed: vec![],
    }
}

fn snapshot(record: Record) -> Result<Snapshot, LoadError> {
    Snapshot::of_record(record, Timestamp::EPOCH)
}

#[test]
fn a_head_from_before_branches_and_undo_is_read() {
    let hot = Hot::read(OLD_HEAD.as_bytes()).expect("it is of the same format");
    let signal = WaitingFor::Signal { name: "Approval".to_owned() };
    assert_eq!((&hot.calls[0].waiting_for, hot.undo, hot.paused), (&signal, 0, false));
    assert_eq!(&hot.write().expect("JSON")[..], OLD_HEAD.as_bytes(), "and written as it was");
}

#[test]
fn a_snapshot_from_before_branches_and_undo_is_read() {
    let snapshot: Snapshot = serde_json::from_str(OLD_SNAPSHOT).expect("it is of the same format");
    let until = "2026-11-25T09:00:00Z".parse().expect("a time");
    assert_eq!(snapshot.calls[0].waiting_for, WaitingFor::Timer { until });
    assert!(snapshot.branches.is_empty() && snapshot.ending.is_none());
}

#[test]
fn the_output_of_a_run_that_failed_is_where_it_was_when_it_failed() {
    let ended = r#"{"format":1,"calls":[]}"#;
    let before = record(Status::Failed, ended, r#"{"Err":"no"}"#, &[]);
    assert_eq!(output_of(&before).expect("JSON"), Some(before.state.clone()));
    let shown = snapshot(before).expect("it can be read");
    assert_eq!((shown.state.get(), shown.output.expect("an output").get()), ("null", r#"{"Err":"no"}"#));
    let now =
        record(Status::Failed, ended, r#"{"call":{}}"#, &[("held", "[]"), ("r:output", r#"{"Err":"no"}"#)]);
    let shown = snapshot(now).expect("it can be read");
    assert_eq!(shown.state.get(), r#"{"call":{},"held":[]}"#);
    assert_eq!(shown.output.expect("an output").get(), r#"{"Err":"no"}"#);
}

#[test]
fn a_snapshot_shows_branches_and_the_undo_stack() {
    let head = r#"{"format":1,"calls":[{"branch":"","waitingFor":{"group":{"rule":"all","of":3,"started":3,
        "began":"1970-01-01T00:00:00Z","first":["charge"]}},"entered":3,"attempt":1,"key":"k"}],"undo":2}"#;
    let sleeps = r#"{"branch":"2","at":"Pause","waitingFor":{"until":"2026-11-25T09:00:00Z"},"entered":4,"attempt":1,"key":"k2"}"#;
    let parts = [
        ("b:2", sleeps),
        ("f:2", "{}"),
        ("o:1", "7"),
        ("u:0", r#"{"release":{}}"#),
        ("u:1", r#"{"refund":{}}"#),
    ];
    let shown = snapshot(record(Status::Waiting, head, "{}", &parts)).expect("it can be read");
    let open: Vec<_> = shown.calls.iter().map(|call| (call.branch.as_str(), call.at.as_deref())).collect();
    assert_eq!(open, [("", None), ("0", None), ("2", Some("Pause"))]);
    assert_eq!(shown.calls[1].waiting_for, WaitingFor::Step { name: "charge".to_owned() });
    assert!(shown.branches.keys().eq(["b:2", "f:2", "o:1"]));
    let undo: Vec<_> = shown.undo.iter().map(|entry| entry.get()).collect();
    assert_eq!(undo, [r#"{"release":{}}"#, r#"{"refund":{}}"#]);
    assert_eq!(shown.state.get(), "{}", "no part of a branch is a field of the state");
}

#[test]
fn a_snapshot_says_how_a_run_is_going_to_end() {
    let call = |branch: &str| {
        format!(
            r#"{{"branch":"{branch}","waitingFor":{{"step":"release"}},"entered":3,"attempt":1,"key":"k"}}"#
        )
    };
    let undoes = format!(r#"{{"format":1,"calls":[{}],"ending":"failed","undo":1}}"#, call("u:0"));
    let parts = [("r:output", "7"), ("u:0", r#"{"release":{}}"#)];
    let shown = snapshot(record(Status::Ready, &undoes, "{}", &parts)).expect("it can be read");
    assert_eq!((shown.status, shown.ending), (RunStatus::Ready, Some(Ending::Failed)));
    let in_grace = format!(r#"{{"format":1,"calls":[{}],"cancelled":4}}"#, call(""));
    let shown = snapshot(record(Status::Cancelling, &in_grace, "{}", &[])).expect("it can be read");
    assert_eq!(shown.ending, Some(Ending::Cancelled));
}

#[test]
fn an_envelope_that_contradicts_itself_is_refused() {
    let higher = record(Status::Ready, &OLD_HEAD.replace("]}", r#"],"undo":2}"#), "{}", &[]);
    assert!(matches!(snapshot(higher), Err(LoadError::UndoStack { height: 2, found: 0 })));
    let reason = r#"],"error":{"reason":"unreadable","message":"no"}}"#;
    let goes_on = record(Status::Ready, &OLD_HEAD.replace("]}", reason), "{}", &[]);
    assert!(matches!(snapshot(goes_on), Err(LoadError::Calls { status: "ready", .. })));
    let ended = record(Status::Completed, OLD_HEAD, "{}", &[]);
    assert!(matches!(snapshot(ended), Err(LoadError::Calls { status: "completed", .. })));
    for foreign in ["x:1", "b:one", "u:top", "r:other", "f:0"] {
        let error = snapshot(record(Status::Waiting, OLD_HEAD, "{}", &[(foreign, "{}")])).expect_err(foreign);
        assert!(matches!(error, LoadError::Envelope { .. }), "{foreign}: {error}");
    }
}

#[test]
fn a_snapshot_of_a_run_that_was_parked_without_a_reason_says_so() {
    let shown = snapshot(record(Status::Parked, OLD_HEAD, "{}", &[])).expect("it can be read");
    let error = shown.error.expect("a reason").to_string();
    assert!(error.ends_with("without a reason; deploy code that reads it and retry the run"), "{error}");
}

#[test]
fn every_call_comes_back_from_json_as_it_was() {
    let id = RunId::new("order-42/ship-1").expect("an id");
    let began = Timestamp::EPOCH;
    let group =
        GroupCall { rule: Rule::Try, of: 3, limit: Some(2), started: 2, began, first: vec!["a".to_owned()] };
    let kinds = [
        (WaitingFor::Step { name: "charge".to_owned() }, r#"{"step":"charge"}"#),
        (WaitingFor::Timer { until: began }, r#"{"until":"1970-01-01T00:00:00Z"}"#),
        (WaitingFor::Signal { name: "Approval".to_owned() }, r#"{"signal":"Approval"}"#),
        (WaitingFor::Child { id: id.clone() }, r#"{"child":"order-42/ship-1"}"#),
        (WaitingFor::Spawn { id }, r#"{"spawn":"order-42/ship-1"}"#),
        (
            WaitingFor::Group(group),
            r#"{"group":{"rule":"try","of":3,"limit":2,"started":2,"began":"1970-01-01T00:00:00Z","first":["a"]}}"#,
        ),
    ];
    let retry = Retrying { due: began, began, forgiven: 2 };
    for (waiting_for, json) in kinds {
        assert_eq!(serde_json::to_string(&waiting_for).expect("JSON"), json);
        let until = Some(Timestamp::from_micros(1_000_000));
        let plain = call(waiting_for);
        let limited =
            Call { until, at: Some("Pause".to_owned()), retry: Some(retry.clone()), ..plain.clone() };
        for call in [plain, limited] {
            let json = serde_json::to_string(&call).expect("JSON");
            assert_eq!(serde_json::from_str::<Call>(&json).expect(&json), call);
        }
    }
    let signal = Call { until: Some(began), ..call(WaitingFor::Signal { name: "Approval".to_owned() }) };
    let json = serde_json::to_string(&signal).expect("JSON");
    assert!(json.contains(r#""waitingFor":{"signal":"Approval","until":"1970-01-01T00:00:00Z"}"#), "{json}");
    assert!(serde_json::from_str::<WaitingFor>(r#"{"signal":"a","step":"b"}"#).is_err());
    assert_eq!(serde_json::from_str::<WaitingFor>("{}").expect("a start"), WaitingFor::Start);
}

#[test]
fn fields_are_told_from_what_else_is_kept_of_a_run() {
    let part = |(name, body): (&str, &str)| Part {
        name: name.to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    };
    let undo =
        (0..12).map(|number| part((&format!("u:{number}"), &format!(r#"{{"undo_{number}":{number}}}"#))));
    let mut parts: Vec<Part> = undo.collect();
    parts.extend([part(("held", "[]")), part(("o:1.0", "7")), part(("r:output", "8")), part(("s:09", "6"))]);
    parts.sort_by(|one, other| one.name.cmp(&other.name));
    let (fields, reserved) = split(&parts).expect("all are known");
    assert_eq!(fields.iter().map(|part| part.name.as_str()).collect::<Vec<_>>(), ["held"]);
    let names: Vec<_> = reserved.undo.iter().map(|entry| entry.name.clone()).collect();
    assert_eq!(names, (0..12).map(|number| format!("undo_{number}")).collect::<Vec<_>>(), "by their numbers");
    assert_eq!(reserved.undo[11].call().expect("JSON").get(), "11");
    assert!(reserved.outputs.contains_key(&Path::ROOT.child(1).child(0)));
    assert_eq!(reserved.output.as_deref(), Some(&b"8"[..]));
    assert_eq!(reserved.states[&Revision(9)], "6");
}

#[test]
fn paths_stand_in_the_order_of_the_source() {
    let path = |text: &str| text.parse::<Path>().expect("a path");
    let mut paths = ["10", "", "2.1", "2", "1.11", "1.2"].map(path);
    paths.sort();
    assert_eq!(paths.map(|path| path.to_string()), ["", "1.2", "1.11", "2", "2.1", "10"]);
    assert!(
        path("2").contains(&path("2.1")) && path("2").contains(&path("2")) && path("").contains(&path("2"))
    );
    assert!(!path("2").contains(&path("20")) && !path("2.1").contains(&path("2")));
    assert_eq!((path("2.1").parent(), path("2.1").number()), (Some(path("2")), Some(1)));
    assert_eq!((path("").parent(), path("").number()), (None, None));
}
