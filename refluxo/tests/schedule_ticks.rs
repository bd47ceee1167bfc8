//! When schedules tick: clock changes, what can't be read, and random expressions against a plain reading of them.
#![cfg(feature = "schedule")]

mod support;

use std::time::Duration;

use jiff::{ToSpan, civil::DateTime, tz::TimeZone};
use refluxo::{
    schedule::{CronError, CronField, Schedule, SpecError},
    time::Timestamp,
};
use support::random::Random;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The ticks between two times.
fn ticks(expression: &str, zone: &str, after: &str, until: &str) -> Vec<String> {
    let schedule = Schedule::cron(expression).unwrap().zone(zone).unwrap();
    let until = time(until);
    schedule.ticks(time(after)).take_while(|tick| *tick <= until).map(|tick| tick.to_string()).collect()
}

/// On the 29th of March 2026 clocks go from 2:00 (+1) to 3:00 (+2), at 1:00 UTC.
#[test]
fn an_appointment_in_the_gap_is_kept_after_it() {
    let day = |expression| ticks(expression, "Europe/Berlin", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    assert_eq!(day("30 2 * * *"), ["2026-03-29T01:00:00Z"]);
    assert_eq!(day("0 2 * * *"), ["2026-03-29T01:00:00Z"]);
    assert_eq!(day("0 3 * * *"), ["2026-03-29T01:00:00Z"]);
    // Several of them are one tick.
    assert_eq!(day("0,15,30 2,3,14 * * *").len(), 1 + 2 + 3);
    assert_eq!(
        day("30 1,2,14 * * *"),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T12:30:00Z"]
    );
}

#[test]
fn a_rhythm_leaves_the_gap_out() {
    let night =
        |expression| ticks(expression, "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
    // 1:30, 3:00, 3:30, 4:00.
    assert_eq!(
        night("*/30 * * * *"),
        ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z"]
    );
    assert_eq!(night("*/30 2 * * *"), [""; 0]);
    assert_eq!(night("@hourly"), ["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]);
}

/// On the 25th of October 2026 clocks go from 3:00 (+2) to 2:00 (+1), at 1:00 UTC.
#[test]
fn an_appointment_in_the_overlap_is_kept_once() {
    let day = |expression| ticks(expression, "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T22:59:59Z");
    assert_eq!(day("30 2 * * *"), ["2026-10-25T00:30:00Z"]);
    assert_eq!(
        day("0 2,3,14 * * *"),
        ["2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z", "2026-10-25T13:00:00Z"]
    );
    // Asked for in the middle of the second time.
    let schedule = Schedule::cron("45 2 * * *").unwrap().zone("Europe/Berlin").unwrap();
    assert_eq!(schedule.ticks(time("2026-10-25T01:30:00Z")).next(), Some(time("2026-10-26T01:45:00Z")));
}

#[test]
fn a_rhythm_ticks_twice_in_the_overlap() {
    let night =
        |expression| ticks(expression, "Europe/Berlin", "2026-10-24T23:59:59Z", "2026-10-25T02:00:00Z");
    assert_eq!(night("0 * * * *"), ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"]);
    assert_eq!(
        night("*/30 2 * * *"),
        ["2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"]
    );
}

/// In New York: on the 8th of March 2026 from 2:00 (-5) to 3:00 (-4) at 7:00 UTC, on the 1st of November back at 6:00 UTC.
#[test]
fn new_york_has_its_own_days() {
    let spring =
        |expression| ticks(expression, "America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T03:59:59Z");
    assert_eq!(spring("30 2 * * *"), ["2026-03-08T07:00:00Z"]);
    assert_eq!(spring("0 0 * * *"), [""; 0]);
    let autumn =
        |expression| ticks(expression, "America/New_York", "2026-11-01T04:00:00Z", "2026-11-02T04:59:59Z");
    assert_eq!(autumn("30 1 * * *"), ["2026-11-01T05:30:00Z"]);
    assert_eq!(autumn("30 */12 * * *"), ["2026-11-01T04:30:00Z", "2026-11-01T17:30:00Z"]);
    assert_eq!(autumn("30 * * * *").len(), 25);
}

#[test]
fn days_are_counted_as_cron_counts_them() {
    let from_november = |expression: &str, n: usize| -> Vec<String> {
        let schedule = Schedule::cron(expression).unwrap();
        schedule
            .ticks(time("2026-11-22T12:00:00Z"))
            .take(n)
            .map(|tick| tick.to_string()[..10].to_owned())
            .collect()
    };
    assert_eq!(from_november("0 0 L * *", 2), ["2026-11-30", "2026-12-31"]);
    assert_eq!(from_november("0 0 * * FRI#2", 2), ["2026-12-11", "2027-01-08"]);
    assert_eq!(from_november("0 0 29 2 *", 1), ["2028-02-29"]);
    // Either day will do.
    assert_eq!(from_november("0 0 24 * MON", 3), ["2026-11-23", "2026-11-24", "2026-11-30"]);
    assert_eq!(from_november("0 0 0 1 1 * 2027", 9), ["2027-01-01"]);
    assert_eq!(from_november("@monthly", 1), ["2026-12-01"]);
}

#[test]
fn what_can_not_be_read_is_told_with_its_place() {
    let error = |text: &str| match Schedule::cron(text) {
        Err(SpecError::Cron(error)) => error,
        other => panic!("{other:?}"),
    };
    let place = |text: &str| match error(text) {
        CronError::Field { field, part, column, .. } => (field, part, column),
        other => panic!("{other}"),
    };
    assert_eq!(place("61 * * * *"), (CronField::Minute, "61".to_owned(), 1));
    assert_eq!(place("0  24 * * *"), (CronField::Hour, "24".to_owned(), 4));
    assert_eq!(place(" 0 3 32 * *"), (CronField::DayOfMonth, "32".to_owned(), 5));
    assert_eq!(place("0 3 * 13 *"), (CronField::Month, "13".to_owned(), 7));
    assert_eq!(place("0 3 * * FRO"), (CronField::DayOfWeek, "FRO".to_owned(), 9));
    assert_eq!(place("61 0 3 * * *"), (CronField::Second, "61".to_owned(), 1));
    assert_eq!(place("0 0 3 * * * never"), (CronField::Year, "never".to_owned(), 13));
    assert_eq!(place("0 ä 3 * *").2, 3);
    assert_eq!(error(" "), CronError::Empty);
    assert_eq!(error("0 3 * *"), CronError::Fields { text: "0 3 * *".to_owned(), found: 4 });
    assert_eq!(error("@often"), CronError::Name { text: "@often".to_owned() });
    assert_eq!(error("0 3 30 2 *"), CronError::Never { text: "0 3 30 2 *".to_owned() });
    let words = Schedule::cron("0 25 * * *").unwrap_err().to_string();
    assert!(
        words.starts_with("the cron expression `0 25 * * *` can't be read at column 3, the hour `25`: "),
        "{words}"
    );
}

#[test]
fn what_makes_no_sense_is_told() {
    let schedule = || Schedule::cron("0 3 * * *").unwrap();
    let words = schedule().zone("Europe/Berlim").unwrap_err().to_string();
    assert!(words.starts_with("there is no time zone `Europe/Berlim` ("), "{words}");
    assert!(matches!(
        Schedule::every(Duration::from_mins(1)).unwrap().zone("Europe/Berlin"),
        Err(SpecError::ZoneOfInterval { .. })
    ));
    assert!(matches!(Schedule::every(Duration::from_millis(999)), Err(SpecError::TooOften { .. })));
}

#[test]
fn intervals_are_counted_from_the_epoch() {
    let every = |period, offset| {
        let schedule =
            Schedule::every(Duration::from_secs(period)).unwrap().offset(Duration::from_secs(offset));
        let first: Vec<_> =
            schedule.ticks(time("2026-11-25T09:59:59.5Z")).take(2).map(|tick| tick.to_string()).collect();
        first
    };
    assert_eq!(every(3_600, 0), ["2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z"]);
    assert_eq!(every(3_600, 600), ["2026-11-25T10:10:00Z", "2026-11-25T11:10:00Z"]);
    assert_eq!(every(1, 0), ["2026-11-25T10:00:00Z", "2026-11-25T10:00:01Z"]);
}

/// A cron expression of five fields, as a person reads it.
struct Plain {
    text: String,
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Option<Vec<i8>>,
    weekdays: Option<Vec<i8>>,
    is_rhythm: bool,
}

impl Plain {
    fn random(random: &mut Random) -> Self {
        let mut rhythm = false;
        let (minute_text, minutes) = field(random, 0, 59, &mut rhythm);
        let (hour_text, hours) = field(random, 0, 23, &mut rhythm);
        let mut days = |least, most| match random.below(3) {
            0 => {
                let day = i8::try_from(random.below(most) + least).unwrap();
                (day.to_string(), Some(vec![day]))
            }
            _ => ("*".to_owned(), None),
        };
        let ((day_text, days), (weekday_text, weekdays)) = (days(1, 28), days(0, 7));
        let text = format!("{minute_text} {hour_text} {day_text} * {weekday_text}");
        Self { text, minutes, hours, days, weekdays, is_rhythm: rhythm }
    }

    /// Whether it names this time on the wall.
    fn has(&self, wall: DateTime) -> bool {
        let weekday = wall.weekday().to_sunday_zero_offset();
        let in_days = |days: &Vec<i8>| days.contains(&wall.day());
        let in_weekdays = |weekdays: &Vec<i8>| weekdays.contains(&weekday);
        let is_its_day = match (&self.days, &self.weekdays) {
            (None, None) => true,
            (Some(days), None) => in_days(days),
            (None, Some(weekdays)) => in_weekdays(weekdays),
            (Some(days), Some(weekdays)) => in_days(days) || in_weekdays(weekdays),
        };
        is_its_day
            && wall.second() == 0
            && self.minutes.contains(&wall.minute())
            && self.hours.contains(&wall.hour())
    }

    /// The ticks of some days, each found by looking at every minute of the time, or of the wall.
    fn ticks(&self, zone: &TimeZone, after: jiff::Timestamp, days: i64) -> Vec<jiff::Timestamp> {
        let until = after + (days * 24).hours();
        let mut ticks: Vec<jiff::Timestamp> = if self.is_rhythm {
            let minutes = std::iter::successors(Some(after), |time| Some(*time + 1.minute()));
            minutes
                .take_while(|time| *time <= until)
                .filter(|time| self.has(zone.to_datetime(*time)))
                .collect()
        } else {
            let begin = zone.to_datetime(after) - 1.day();
            let minutes = std::iter::successors(Some(begin), |wall| Some(*wall + 1.minute()));
            let end = begin + (days + 2).days();
            minutes
                .take_while(|wall| *wall <= end)
                .filter(|wall| self.has(*wall))
                .map(|wall| keep(zone, wall))
                .collect()
        };
        ticks.dedup();
        ticks.retain(|tick| *tick > after && *tick <= until);
        ticks
    }
}

/// When an appointment is kept: the first moment that does not show an earlier time on that day's clock.
fn keep(zone: &TimeZone, wall: DateTime) -> jiff::Timestamp {
    let before = (wall - 3.hours()).to_zoned(zone.clone()).unwrap().timestamp();
    let mut moments = std::iter::successors(Some(before), |time| Some(*time + 1.minute()));
    moments.find(|time| zone.to_datetime(*time) >= wall).unwrap()
}

/// A field and what it means.
fn field(random: &mut Random, least: i8, most: i8, rhythm: &mut bool) -> (String, Vec<i8>) {
    let mut number = || i8::try_from(random.below(u64::try_from(most).unwrap() + 1)).unwrap();
    let (one, other) = (number(), number());
    let (from, to) = (one.min(other), one.max(other));
    match random.below(5) {
        0 => {
            *rhythm = true;
            ("*".to_owned(), (least..=most).collect())
        }
        1 => {
            *rhythm = true;
            let step = random.below(11) + 2;
            (format!("*/{step}"), (least..=most).step_by(usize::try_from(step).unwrap()).collect())
        }
        2 => (format!("{from}-{to}"), (from..=to).collect()),
        3 => (format!("{from},{to}"), vec![from, to]),
        _ => (one.to_string(), vec![one]),
    }
}

#[test]
fn random_expressions_tick_as_a_person_reads_them() {
    // Days around clock changes, and a zone that changes by half an hour.
    let places = [
        ("Europe/Berlin", "2026-03-27T10:17:00Z"),
        ("Europe/Berlin", "2026-10-24T00:00:00Z"),
        ("America/New_York", "2026-03-07T03:00:00Z"),
        ("America/New_York", "2026-10-31T05:59:00Z"),
        ("Australia/Lord_Howe", "2026-04-03T12:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-02T12:00:00Z"),
        ("Asia/Kathmandu", "2026-06-01T00:00:00Z"),
        ("UTC", "2026-12-30T23:59:00Z"),
    ];
    let mut compared = 0;
    for seed in 0..400 {
        let mut random = Random::seeded(seed);
        let plain = Plain::random(&mut random);
        let (name, after) = places[usize::try_from(seed).unwrap() % places.len()];
        let zone = TimeZone::get(name).unwrap();
        let expected: Vec<String> =
            plain.ticks(&zone, after.parse().unwrap(), 3).into_iter().map(|tick| tick.to_string()).collect();
        let schedule = Schedule::cron(&plain.text).unwrap().zone(name).unwrap();
        let until = time(after).saturating_add(Duration::from_hours(72));
        let found: Vec<String> = schedule
            .ticks(time(after))
            .take_while(|tick| *tick <= until)
            .map(|tick| tick.to_string())
            .collect();
        assert_eq!(found, expected, "seed {seed}: `{}` in {name} after {after}", plain.text);
        compared += found.len();
    }
    assert!(compared > 5_000, "{compared}");
}
