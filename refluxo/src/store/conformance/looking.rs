//! Runs can be looked at without being held.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    TestBed,
    worker::{LEASE, after, child, end, go, id, message, rest, run, texts},
};
use crate::store::{
    AttrOp, AttrValue, Attribute, Commit, Depth, Due, EntryId, Filter, Listed, NewRun, Page, Part, PartOp,
    Query, Record, Revision, Seq, Start, Status,
};

/// Less depth reads less, and never something else.
pub(super) async fn load_reads_as_deep_as_it_is_told(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let mut new = run("a");
    new.parts.push(Part { name: "p".into(), body: Bytes::from_static(b"part") });
    worker.start(new).await;
    worker.send(message("a", "hello")).await;
    let all = worker.load("a").await;
    assert_eq!((&all.state[..], all.parts.len(), all.inbox.len()), (&b"first"[..], 1, 1));
    let state = worker.find("a", Depth::State).await.expect("it is there");
    assert_eq!(
        (&state.row, &state.state, &state.parts, state.inbox.len()),
        (&all.row, &all.state, &all.parts, 0)
    );
    for depth in [Depth::Head, Depth::End] {
        let head = worker.find("a", depth).await.expect("it is there");
        assert_eq!((&head.row, head.state.len(), head.parts.len(), head.inbox.len()), (&all.row, 0, 0, 0));
    }
    let mail = worker.find("a", Depth::Mail).await.expect("it is there");
    assert_eq!((&mail.row, &mail.inbox, mail.state.len(), mail.parts.len()), (&all.row, &all.inbox, 0, 0));
    assert!(worker.find("nobody", Depth::All).await.is_none());
    let (lease, record) = worker.start_held(run("over")).await;
    let part = Part { name: "p".into(), body: Bytes::from_static(b"part") };
    let over = Commit {
        state: Some(Bytes::from_static(b"last")),
        parts: vec![PartOp::Put(part.clone())],
        ..end(&lease, &record)
    };
    worker.commit_done(over).await;
    let last = worker.find("over", Depth::End).await.expect("it is there");
    assert_eq!((&last.state[..], last.parts), (&b"last"[..], vec![part]));
    assert_eq!(worker.find("over", Depth::Head).await.expect("it is there").state, "");
}

/// Page by page, each entry once, with its revision and time.
pub(super) async fn history_is_read_from_the_newest_back(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let entry = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    let (lease, record) = worker.start_held(NewRun { entries: vec![entry("0")], ..run("a") }).await;
    let (other, other_record) = worker.start_held(run("b")).await;
    for revision in 0..4 {
        let entries = vec![entry(&format!("{revision}.a")), entry(&format!("{revision}.b"))];
        worker.commit_done(Commit { entries, ..go(&after(&lease, Revision(revision)), &record) }).await;
        let entries = vec![entry("other")];
        worker.commit_done(Commit { entries, ..go(&after(&other, Revision(revision)), &other_record) }).await;
    }
    let mut seen = Vec::new();
    let mut before: Option<EntryId> = None;
    loop {
        let page = worker.history("a", Page { before, limit: 4 }).await;
        let Some(last) = page.last() else { break };
        assert!(
            page.len() <= 4 && page.is_sorted_by(|newer, older| newer.id > older.id && newer.at >= older.at)
        );
        before = Some(last.id);
        seen.extend(page);
    }
    let bodies = texts(seen.iter().map(|entry| &entry.body));
    assert_eq!(bodies, ["3.b", "3.a", "2.b", "2.a", "1.b", "1.a", "0.b", "0.a", "0"]);
    let revisions: Vec<_> = seen.iter().map(|entry| entry.revision.0).collect();
    assert_eq!(revisions, [4, 4, 3, 3, 2, 2, 1, 1, 0]);
    assert_eq!(worker.history("nobody", Page { before: None, limit: 4 }).await, []);
}

/// An endless run does not fill the disk: its old entries go, in batches, and the newest are always there.
pub(super) async fn history_is_bounded(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let bound = bed.limits().history_entries;
    let (lease, record) = worker.start_held(run("a")).await;
    let batch = bound.div_ceil(5);
    for round in 0..9 {
        let entries = (0..batch).map(|entry| Bytes::from(format!("{}", round * batch + entry))).collect();
        worker.commit_done(Commit { entries, ..go(&after(&lease, Revision(round)), &record) }).await;
    }
    let history = worker.history("a", Page { before: None, limit: u32::MAX }).await;
    let kept = history.len() as u64;
    assert!(kept >= bound && kept <= bound + bound / 2, "{kept} entries are kept of at least {bound}");
    let newest = (0..9 * batch).rev().map(|entry| entry.to_string());
    assert!(texts(history.iter().map(|entry| &entry.body)).into_iter().eq(newest.take(history.len())));
}

/// By each condition, the newest first, in pages that neither miss nor repeat.
pub(super) async fn lists_are_filtered_and_paged(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let attribute = |name: &str, value| Attribute { name: name.into(), value };
    let (text, number) = (AttrValue::Text("1".into()), AttrValue::Integer(1));
    worker.start(NewRun { attributes: vec![attribute("n", text.clone())], ..run("a") }).await;
    let both = vec![attribute("n", number.clone()), attribute("m", AttrValue::Text(String::new()))];
    worker.start(NewRun { attributes: both, ..child("b", "a") }).await;
    bed.pass(LEASE).await;
    let middle = worker.now().await;
    worker.start(NewRun { queue: "other".into(), ..run("c") }).await;
    let (lease, record) = worker.start_held(run("d")).await;
    let mut commit = end(&lease, &record);
    commit.head.at = "There".into();
    worker.commit_done(commit).await;
    bed.pass(LEASE).await;
    let late = worker.now().await;

    let f = Filter::default;
    let with =
        |name: &str, value: &AttrValue| Filter { attributes: vec![(name.into(), value.clone())], ..f() };
    let cases = [
        ("all", f(), vec!["d", "c", "b", "a"]),
        ("queues", Filter { queues: vec!["other".into(), "none".into()], ..f() }, vec!["c"]),
        ("statuses", Filter { statuses: vec![Status::Completed, Status::Parked], ..f() }, vec!["d"]),
        ("at", Filter { at: Some("Here".into()), ..f() }, vec!["c", "b", "a"]),
        ("parent", Filter { parent: Some(id("a")), ..f() }, vec!["b"]),
        ("from", Filter { created_from: Some(middle), ..f() }, vec!["d", "c"]),
        ("before", Filter { created_before: Some(middle), ..f() }, vec!["b", "a"]),
        ("updated", Filter { updated_before: Some(middle), ..f() }, vec!["b", "a"]),
        ("updated since", Filter { updated_from: Some(middle), ..f() }, vec!["d", "c"]),
        ("ended since", Filter { ended_from: Some(middle), ..f() }, vec!["d"]),
        ("not ended since", Filter { ended_from: Some(late), ..f() }, vec![]),
        ("ended", Filter { ended_before: Some(late), ..f() }, vec!["d"]),
        ("not ended by then", Filter { ended_before: Some(middle), ..f() }, vec![]),
        ("text", with("n", &text), vec!["a"]),
        ("number", with("n", &number), vec!["b"]),
        ("two at once", Filter { queues: vec!["work".into()], at: Some("There".into()), ..f() }, vec!["d"]),
    ];
    for (name, filter, expected) in cases {
        let mut listed = worker.list(filter).await;
        // Runs of one moment stand in the order of their ids, and the cases' clock may stand.
        listed.sort_by(|a, b| b.cmp(a));
        assert_eq!(listed, expected, "{name}");
    }
    let (mut after, mut seen) = (None, Vec::new());
    for _ in 0..9 {
        let query = Query::Rows { filter: f(), after, limit: 3 };
        let Listed::Rows { rows, next } = worker.store.list(query).await.expect("list").value else {
            panic!("rows were asked for");
        };
        assert!(rows.len() <= 3);
        seen.extend(rows.into_iter().map(|listed| listed.row.id.to_string()));
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["d", "c", "b", "a"]);
}

/// In a list and where they are asked for, and nowhere else.
pub(super) async fn attributes_are_shown_with_their_runs(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let attribute = |name: &str, value| Attribute { name: name.into(), value };
    let text = |text: &str| AttrValue::Text(text.into());
    let attributes = vec![attribute("b", AttrValue::Integer(i64::MIN)), attribute("a", text("1"))];
    let (lease, record) = worker.start_held(NewRun { attributes, ..run("x") }).await;
    bed.pass(LEASE / 2).await;
    worker.start(run("y")).await;
    let change = |op| Commit { attributes: vec![op], ..go(&lease, &record) };
    let (name, longest) = ("n".repeat(Attribute::MAX_NAME_BYTES), "😀".repeat(AttrValue::MAX_TEXT_BYTES / 4));
    worker.commit_done(change(AttrOp::Set { name: name.clone(), value: text(&longest) })).await;
    let expected = [
        attribute("a", text("1")),
        attribute("b", AttrValue::Integer(i64::MIN)),
        attribute(&name, text(&longest)),
    ];
    let query = Query::Rows { filter: Filter::default(), after: None, limit: 9 };
    let Listed::Rows { rows, .. } = worker.store.list(query).await.expect("list").value else {
        panic!("rows were asked for");
    };
    let [first, second] = &rows[..] else { panic!("there are two runs, not {rows:?}") };
    assert_eq!((&first.row.id, &first.attributes[..]), (&id("y"), &[][..]));
    assert_eq!((&second.row.id, &second.attributes[..]), (&id("x"), &expected[..]), "in the order of names");
    let whole = worker.find("x", Depth::Whole).await.expect("it is there");
    assert_eq!(whole.attributes, expected);
    let all = worker.load("x").await;
    assert_eq!(all.attributes, [], "a holder needs none");
    assert_eq!(Record { attributes: Vec::new(), ..whole }, all, "the rest is the same");
    let attributes = vec![(name, text(&longest))];
    assert_eq!(worker.list(Filter { attributes, ..Filter::default() }).await, ["x"]);
}

/// A number is exact below its cap.
pub(super) async fn counting_stops_at_its_cap(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    for number in 0..5 {
        worker.start(run(&number.to_string())).await;
    }
    let count = async |cap| {
        let filter = Filter { queues: vec!["work".into()], ..Filter::default() };
        worker.store.list(Query::Count { filter, cap }).await.expect("list").value
    };
    assert_eq!(count(100).await, Listed::Count { runs: 5, capped: false });
    assert_eq!(count(3).await, Listed::Count { runs: 3, capped: true });
}

/// Whatever the worker's own clock says, hours off or years.
pub(super) async fn the_stores_clock_stamps_everything(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let first = worker.now().await;
    let (lease, record) = worker.start_held(NewRun { entries: vec![Bytes::new()], ..run("a") }).await;
    worker.send(message("a", "hello")).await;
    let second = worker.now().await;
    bed.pass(LEASE / 2).await;
    let third = worker.now().await;
    assert!(third.saturating_since(second) >= LEASE / 2, "the store's time passes");
    worker.commit_done(rest(&lease, &record, None)).await;
    let last = worker.now().await;
    let record = worker.load("a").await;
    let row = &record.row;
    for (name, time, from, to) in [
        ("created", row.created, first, second),
        ("received", record.inbox[0].at, first, second),
        ("lease", lease.until, first.saturating_add(LEASE), second.saturating_add(LEASE)),
        ("updated", row.updated, third, last),
    ] {
        assert!(from <= time && time <= to, "{name}: {time} is not between {from} and {to}");
    }
    let Due::At(due) = row.due else { panic!("an unseen message makes it due, not {:?}", row.due) };
    assert!(third <= due && due <= last, "due at {due}");
    assert_eq!(row.inbox_last, Seq(1));
    let entry = worker.history("a", Page { before: None, limit: 1 }).await.remove(0);
    assert!(first <= entry.at && entry.at <= second);
    let claimed = worker.claim_as(vec![super::worker::want("work", 1, 1)], 1).await;
    assert!(claimed.0 >= last && claimed.1.runs[0].0.until == claimed.0.saturating_add(LEASE));
}

/// Hints may be lost, so a new connection finds by itself what it was never told.
pub(super) async fn another_connection_sees_everything(bed: Arc<dyn TestBed>) {
    let worker = super::worker(&bed).await;
    let due = worker.now().await.saturating_add(LEASE);
    worker.start(NewRun { start: Start::At(due), ..run("sleeper") }).await;
    let (lease, record) = worker.start_held(run("waiter")).await;
    worker.commit_done(rest(&lease, &record, None)).await;
    worker.send(message("waiter", "hello")).await;
    let other = super::worker(&bed).await;
    assert_eq!(other.load("waiter").await, worker.load("waiter").await);
    assert_eq!(other.list(Filter::default()).await.len(), 2);
    let (_, claimed) = other.claim_as(vec![super::worker::want("work", 1, 9)], 9).await;
    assert_eq!(claimed.runs[0].0.run, id("waiter"));
    assert_eq!((claimed.runs.len(), claimed.next_due), (1, Some(due)));
}
