//! What is not to be seen from outside: how a last tick is found, what is stored, and crashes at each commit of a schedule.

use std::time::Duration;

use super::{
    Note, Overlap, Schedule,
    book::Book,
    keeper::{Keeper, keep},
    word::Word,
};
use crate::{
    machine::Machine as _,
    prelude::*,
    snapshot::{StateReader, StateWriter},
    store::Status,
    suspend::Target,
    testing::{TestEngine, crash_everywhere},
    time::Timestamp,
};

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

#[test]
fn the_last_tick_is_found_however_many_there_are() {
    let schedules = [
        Schedule::every(Duration::from_secs(1)),
        Schedule::every(Duration::from_millis(1_500)),
        Schedule::every(Duration::from_hours(2)),
        Schedule::cron("*/7 * * * *"),
        Schedule::cron("0 0,30 2 * * *").and_then(|cron| cron.zone("Europe/Berlin")),
        Schedule::cron("* 0 3 * * *").and_then(|cron| cron.zone("Europe/Berlin")),
        Schedule::cron("0 0 29 2 *"),
    ];
    // Around the end of summer time, and with some that is less than a second.
    let after = time("2026-10-24T12:34:56.789Z");
    for schedule in schedules.map(|schedule| schedule.expect("it makes sense")) {
        for millis in [0, 999, 1_000, 2_500, 60_000, 3_600_000, 40_000_000, 90_000_000] {
            let now = after.saturating_add(Duration::from_millis(millis));
            let by_and_by = schedule.ticks(after).take_while(|tick| *tick <= now).last();
            assert_eq!(schedule.plan.last(after, now), by_and_by, "{schedule} until {now}");
        }
    }
}

#[test]
fn a_run_tells_its_end_in_words_that_a_schedule_reads() {
    let told = r#"{"ended":{"run":"s@2026-11-25T02:00:00Z","status":"completed"}}"#;
    let Ok(Word::Ended { run, status }) = serde_json::from_str(told) else {
        panic!("it is one of its words")
    };
    assert_eq!((run.as_str(), status), ("s@2026-11-25T02:00:00Z", Status::Completed));
}

/// The states that the first version of the workflow wrote, with their calls.
const STATES: [(&str, &str); 6] = [
    ("Start", ""),
    ("Look", r#""call":{"at_work":"s@2026-01-01T00:00:10Z"},"#),
    (
        "Launch",
        r#""call":{"run":"s@2026-01-01T00:00:10Z","target":{"workflow":"job","version":1,"at":"Start","state":{"n":1}},
            "due":"2026-01-01T00:00:12.5Z","tells":"refluxo.schedule",
            "attributes":[{"name":"refluxo.schedule","value":"s"}]},"#,
    ),
    ("Stop", r#""call":{"run":"s@2026-01-01T00:00:10Z","how":"cancel"},"#),
    ("Word", r#""call":{},"#),
    ("Select", r#""call":[{},{"deadline":"2026-01-01T00:00:10Z"}],"#),
];

/// The locals of each of them.
const LOCALS: &str = r#""target":{"workflow":"job","version":1,"at":"Start","state":{"n":1}},
    "book":{"format":1,"name":"s","schedule":{"plan":{"cron":{"text":"30 2 * * *","zone":"Europe/Berlin"}},
    "catchUp":"all","catchUpWindow":{"secs":31536000,"nanos":0},"overlap":"abortOther","jitter":{"secs":1,"nanos":5}},
    "after":"2026-01-01T00:00:20Z","paused":{"by":"eve","reason":"holidays","at":"2026-01-01T00:00:22Z"},
    "deleted":{"at":"2026-01-01T00:00:22Z"},"atWork":"s@2026-01-01T00:00:10Z","stopped":true,
    "waiting":"2026-01-01T00:00:20Z","triggers":["s@trigger-7"],
    "spans":[{"after":"2026-01-01T00:00:00Z","to":"2026-01-01T00:00:10Z","ordered":true}],
    "recent":[{"run":"s@2026-01-01T00:00:10Z","tick":"2026-01-01T00:00:10Z","at":"2026-01-01T00:00:10Z"}],
    "orders":[{"what":"pause","note":{"by":"eve","at":"2026-01-01T00:00:22Z"}}],"started":2,"skipped":1,
    "seen":{"now":"2026-01-01T00:00:20Z","words":0,"atWork":true}}"#;

#[test]
fn what_was_stored_once_is_read_for_ever() {
    for (at, call) in STATES {
        let stored = format!("{{{call}{LOCALS}}}");
        let reader = StateReader::new(at, stored.as_bytes(), []).expect("it is an object");
        let state = Keeper::decode(at, reader).unwrap_or_else(|error| panic!("{error}"));
        let mut writer = StateWriter::whole(at);
        state.encode(&mut writer);
        let written = writer.finish().expect("it can be saved").document;
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).expect("JSON");
        assert_eq!(value(&written), value(stored.as_bytes()));
    }
}

#[step]
async fn begin() {}

#[workflow]
async fn job() {
    begin().await;
    sleep(Duration::from_secs(15)).await;
}

fn target_of_job() -> Target {
    crate::core::target(&job()).expect("it can be saved")
}

async fn crashes(overlap: Overlap) {
    let report = crash_everywhere(move || {
        let schedule = Schedule::every(Duration::from_secs(10)).expect("long enough").overlap(overlap);
        keep(target_of_job(), Book::new("s".to_owned(), schedule, time("2026-01-01T00:00:00Z")))
    })
    .world(|| TestEngine::builder().register::<Job>())
    .script(|_engine, run| async move {
        tokio::time::sleep(Duration::from_secs(41)).await;
        run.signal(Word::Delete(Note::at(Timestamp::EPOCH))).await.expect("it is there");
        tokio::time::sleep(Duration::from_secs(30)).await;
    })
    .await;
    assert!(report.commits > 15, "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_schedule_starts_the_same_runs_wherever_its_worker_crashes() {
    for overlap in [Overlap::Allow, Overlap::Skip, Overlap::BufferOne, Overlap::CancelOther] {
        crashes(overlap).await;
    }
}
