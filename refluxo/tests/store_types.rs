//! The small types of the store's contract.

use std::time::Duration;

use bytes::Bytes;
use refluxo::{
    store::{
        AttrValue, Attribute, Commit, Effect, Failure, Head, InputHash, InvalidAttribute, InvalidRunId, Lane,
        Lease, ListCursor, Message, NewRun, Operation, Part, Revision, RunId, Seq, Session, Start, Status,
        StoreError, Then, Token, Uid,
    },
    time::{Clock, ManualClock, Timestamp},
};

#[test]
fn a_run_id_is_short_visible_text() {
    assert_eq!(RunId::new("order/42 ö").expect("an id").as_str(), "order/42 ö");
    assert!(RunId::new("x".repeat(RunId::MAX_BYTES)).is_ok());
    assert_eq!(RunId::new(""), Err(InvalidRunId::Empty));
    assert_eq!(RunId::new("ö".repeat(101)), Err(InvalidRunId::TooLong { bytes: 202 }));
    assert_eq!(RunId::new("a\0b"), Err(InvalidRunId::ControlCharacter { found: '\0' }));
}

#[test]
fn what_is_not_a_run_id_is_not_read_as_one() {
    assert_eq!(serde_json::from_str::<RunId>(r#""a""#).expect("an id").as_str(), "a");
    let error = serde_json::from_str::<RunId>(r#""""#).expect_err("an empty id").to_string();
    assert!(error.contains("can't be empty"), "{error}");
}

#[test]
fn an_attribute_fits_into_an_index_of_every_store() {
    let text = |bytes| AttrValue::Text("x".repeat(bytes));
    let long = "x".repeat(Attribute::MAX_NAME_BYTES + 1);
    assert_eq!(Attribute::check("total", &i64::MAX.into()), Ok(()));
    assert_eq!(Attribute::check(&long[1..], &text(AttrValue::MAX_TEXT_BYTES)), Ok(()));
    let refused = |name: &str, value| Attribute::check(name, &value).expect_err("it is refused").to_string();
    assert_eq!(refused("", 1.into()), "an attribute's name can't be empty");
    assert!(refused(&long, 1.into()).ends_with("has more than 100 bytes: shorten it"));
    assert!(refused("a\nb", 1.into()).contains("control character '\\n'"));
    assert!(refused("a", "\0".into()).contains("`a` can't hold a `\\0`"));
    assert_eq!(
        Attribute::check("a", &text(AttrValue::MAX_TEXT_BYTES + 1)),
        Err(InvalidAttribute::LongText { name: "a".into(), bytes: 1001 })
    );
}

#[test]
fn a_place_in_a_list_is_a_text() {
    let place = ListCursor { created: Timestamp::from_micros(-5), id: RunId::new("a:b").expect("an id") };
    assert_eq!(place.to_string().parse(), Ok(place.clone()));
    let json = serde_json::to_string(&place).expect("JSON");
    assert_eq!(serde_json::from_str::<ListCursor>(&json).expect("a place"), place);
    for wrong in ["", "5", "x:a", "5:"] {
        let error = wrong.parse::<ListCursor>().expect_err("it is no place").to_string();
        assert!(error.contains("`next` of the page before"), "{error}");
    }
}

#[test]
fn a_uid_is_written_as_a_uuid() {
    let uid = Uid::from_u128(0x0190_a0b0_c0d0_7000_8000_0000_0000_0001);
    assert_eq!(uid.to_string(), "0190a0b0-c0d0-7000-8000-000000000001");
    assert_eq!(uid.to_string().parse(), Ok(uid));
    assert_ne!(Uid::random(), Uid::random());
}

#[test]
fn every_status_has_a_name_of_its_own() {
    for status in Status::ALL {
        assert_eq!(Status::from_name(status.as_str()), Some(status));
        assert_eq!(serde_json::to_string(&status).expect("JSON"), format!("\"{status}\""));
    }
    assert_eq!(Status::from_name("running"), None, "it is derived from the lease and never stored");
}

#[test]
fn a_commit_ends_a_run_iff_its_status_does() {
    let lease = Lease {
        run: RunId::new("a").expect("an id"),
        token: Token::random(),
        revision: Revision(0),
        until: Timestamp::EPOCH,
    };
    for status in Status::ALL {
        let head = Head { status, at: String::new(), version: 1, body: Bytes::new() };
        for then in [Then::Go, Then::Rest { due: None }, Then::End] {
            let commit = Commit { then, ..Commit::new(lease.clone(), head.clone(), Seq(0)) };
            assert_eq!(commit.check().is_ok(), status.is_ended() == (then == Then::End), "{status} {then:?}");
        }
    }
}

#[test]
fn a_session_is_over_with_its_last_clone_and_drops_its_guards_then() {
    let session = Session::begin();
    let watch = session.watch();
    let (guard, guarded) = std::sync::mpsc::channel::<()>();
    session.guard(Box::new(guard));
    let clone = session.clone();
    drop(session);
    assert!(!watch.is_over());
    assert_eq!(guarded.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty));
    drop(clone);
    assert!(watch.is_over());
    assert_eq!(guarded.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected));
}

#[test]
fn an_owed_effect_comes_back_from_json_as_it_was() {
    let id = |id| RunId::new(id).expect("an id");
    let body = Bytes::from_static(b"\0\xff");
    let new = NewRun {
        id: id("child"),
        uid: Uid::random(),
        root: id("root"),
        parent: Some(id("parent")),
        queue: "work".into(),
        lane: Lane { priority: -3, key: Some("k".into()) },
        input: InputHash([9; 32]),
        head: Head { status: Status::Ready, at: "Start".into(), version: 2, body: body.clone() },
        state: body.clone(),
        parts: vec![Part { name: "part".into(), body: body.clone() }],
        attributes: vec![Attribute { name: "n".into(), value: AttrValue::Integer(-1) }],
        entries: vec![body.clone()],
        start: Start::At(Timestamp::from_micros(1_750_000_000_000_001)),
    };
    let message = Message { to: id("a"), uid: Some(new.uid), key: None, kind: "k".into(), body };
    for effect in [Effect::Start(Box::new(new)), Effect::Deliver(message)] {
        let json = serde_json::to_vec(&effect).expect("JSON");
        let back: Effect = serde_json::from_slice(&json).expect("an effect");
        assert_eq!(format!("{back:?}"), format!("{effect:?}"));
    }
}

#[test]
fn an_error_names_store_operation_and_cause() {
    let cause = std::io::Error::other("the disk is gone");
    let error = StoreError::unknown(&"SQLite (shop.db)".into(), Operation::Commit, cause);
    assert_eq!(error.to_string(), "SQLite (shop.db): commit: the disk is gone (it may have been written)");
    let Failure { operation, .. } = error.failure();
    assert_eq!(*operation, Operation::Commit);
}

#[test]
fn a_manual_clock_tells_its_listeners_until_they_have_enough() {
    let clock = ManualClock::at(Timestamp::EPOCH);
    let (tell, told) = std::sync::mpsc::channel();
    clock.on_jump(Box::new(move || {
        tell.send(()).expect("somebody counts");
        false
    }));
    clock.advance(Duration::from_micros(5));
    clock.set(Timestamp::EPOCH);
    assert_eq!(clock.now(), Timestamp::EPOCH);
    assert_eq!(told.iter().count(), 1, "it wanted to be told once");
}
