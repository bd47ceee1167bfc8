//! What must hold between the workers' journals, the histories and the outcomes.
//!
//! - A call has one idempotency key, and a key belongs to one place in one run.
//! - No attempt of a step begins after the commit that stored what came of it. The one thing that may happen is that a process is
//!   stopped just between its last look at its lease and the first line of the step: so the first line of a process after a
//!   stop is allowed to come late, and no other one. Workers have one thread for all steps. And a worker whose connections break is
//!   taken for dead by the others, perhaps before it hears of that itself, which it has to do soon.
//!   What nobody waits for any more, as the loser of a race, may begin until the worker that has ended the race hears that this is
//!   stored.
//! - What came of an attempt is stored once, and each revision is reached once, by whomever.
//! - A run that failed or was cancelled has undone what it had done, last first; no other run has.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    pin::pin,
};

use futures_util::StreamExt;
use refluxo::{
    Engine,
    engine::{CallOutcome, HistoryEntry, HistoryEvent},
    store::Status,
};

use super::{
    READ_AT_ONCE,
    customers::number,
    faults::Faults,
    findings::Findings,
    journal::{Line, What, by_run, micros},
    model::may_undo,
    watch::Seen,
};

/// Within how many microseconds a worker on a busy machine hears that its connections are broken.
const HEARS_WITHIN: u64 = 1_000_000;

/// What there was.
#[derive(Debug, Default)]
pub struct Figures {
    runs: usize,
    attempts: usize,
    repeated: usize,
    taken_over: usize,
    lost: usize,
    /// Attempts that began late where the worker could not know.
    late: usize,
    revisions: u64,
}

impl Figures {
    /// Whether the faults have hit runs.
    pub fn show_something(&self) -> bool {
        self.taken_over > 0
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, attempts, repeated, taken_over, lost, late, revisions } = self;
        write!(
            f,
            "{runs} runs of {revisions} commits, {attempts} attempts, {repeated} of them again, {taken_over} runs taken over, \
             {lost} leases lost, {late} begun late that may be"
        )
    }
}

/// What is known from all sources.
struct Known<'a> {
    faults: &'a Faults,
    findings: &'a Findings,
    /// The number of the first line of each process after each of its stops.
    first_after: BTreeSet<(&'a str, usize)>,
    figures: Figures,
}

/// Checks all that must hold at the end.
pub async fn check(
    engine: &Engine,
    lines: &[Line],
    faults: &Faults,
    seen: &Seen,
    findings: &Findings,
) -> Figures {
    for death in &faults.deaths {
        findings.add("", death);
    }
    keys_name_places(lines, findings);
    let mut known = Known { faults, findings, first_after: BTreeSet::new(), figures: Figures::default() };
    known.first_after = known.first_lines_after_stops(lines);
    let count = |what: What| lines.iter().filter(|line| line.what == what).count();
    known.figures.taken_over = count(What::TakenOver);
    known.figures.lost = count(What::Lost);
    let by_run = by_run(lines);
    let histories = futures_util::stream::iter(seen)
        .map(async |(id, run)| (id, run, history(engine, id, findings).await))
        .buffered(READ_AT_ONCE);
    let mut histories = pin!(histories);
    while let Some((id, run, history)) = histories.next().await {
        known.figures.runs += 1;
        known.figures.revisions += run.revision.0;
        let lines = by_run.get(id.as_str()).map_or(&[][..], Vec::as_slice);
        known.check_run(id, run.status.stored(), run.revision.0, &history, lines);
    }
    for run in by_run.keys().filter(|run| !run.is_empty() && !seen.contains_key(**run)) {
        findings.add(run, "workers have worked on it, and it is not there");
    }
    known.figures
}

/// Whether a run does not wait any more for a step that may be at work: another arm of a race has won, or it was cancelled.
fn gives_up(event: &HistoryEvent) -> bool {
    match event {
        HistoryEvent::Call(call) => call.from == "Select" && matches!(call.outcome, CallOutcome::To(_)),
        HistoryEvent::Order(order) => order.heeded,
        _ => false,
    }
}

/// Whether a worker began this before it heard that its own commit was stored, by which nobody waits for it any more.
fn is_unheard(line: &Line, commit: &HistoryEntry, lines: &[&Line]) -> bool {
    let hears = |other: &&&Line| matches!(other.what, What::Reached { revision, .. } if revision == commit.revision.0);
    lines.iter().find(hears).is_none_or(|heard| heard.worker == line.worker && line.number < heard.number)
}

/// A run's whole history, the oldest entry first.
async fn history(engine: &Engine, id: &str, findings: &Findings) -> Vec<HistoryEntry> {
    match engine.history(id).limit(1_000).await {
        Ok(page) => page.entries.into_iter().rev().collect(),
        Err(error) => {
            findings.add(id, error.to_string());
            Vec::new()
        }
    }
}

/// A place in a run has one key, and a key belongs to one place in one run.
fn keys_name_places(lines: &[Line], findings: &Findings) {
    let (mut places, mut keys) = (BTreeMap::new(), BTreeMap::new());
    for line in lines {
        if let What::Begun { key, place, .. } = &line.what {
            let here = (line.run.as_str(), place.as_str());
            let there = *places.entry(key).or_insert(here);
            findings.expect(there == here, &line.run, || format!("{key} belongs to {there:?} and {here:?}"));
            let other = *keys.entry(here).or_insert(key);
            findings.expect(other == key, &line.run, || format!("{here:?} has the keys {other} and {key}"));
        }
    }
}

impl<'a> Known<'a> {
    fn first_lines_after_stops(&self, lines: &'a [Line]) -> BTreeSet<(&'a str, usize)> {
        let first = self.faults.stops.iter().filter_map(|stop| {
            let of_worker = lines.iter().filter(|line| *line.worker == *stop.worker && line.at >= stop.to);
            of_worker.min_by_key(|line| line.number).map(|line| (&*line.worker, line.number))
        });
        first.collect()
    }

    fn check_run(
        &mut self,
        id: &str,
        status: Status,
        revision: u64,
        history: &[HistoryEntry],
        lines: &[&Line],
    ) {
        let findings = self.findings;
        findings.expect(status.is_ended(), id, || format!("it has not ended: it is {status:?}"));
        for (earlier, later) in history.iter().zip(history.iter().skip(1)) {
            let grows = earlier.id < later.id && earlier.revision <= later.revision;
            findings.expect(grows, id, || format!("its history goes back, from {earlier:?} to {later:?}"));
        }
        let last = history.last().map_or(0, |entry| entry.revision.0);
        findings
            .expect(last <= revision, id, || format!("its history is ahead of it: {last} and {revision}"));
        self.revisions_are_reached_once(id, revision, lines);
        self.nothing_begins_late(id, history, lines);
        self.what_failed_is_undone(id, history, lines);
    }

    fn revisions_are_reached_once(&self, id: &str, last: u64, lines: &[&Line]) {
        let mut reached = BTreeMap::new();
        for line in lines {
            if let What::Reached { revision, text } = &line.what {
                self.findings.expect(*revision <= last, id, || {
                    format!("{} came to revision {revision}, of {last}", line.worker)
                });
                if let Some(other) = reached.insert(revision, &line.worker) {
                    let worker = &line.worker;
                    self.findings
                        .add(id, format!("{other} and {worker} both came to revision {revision}: {text}"));
                }
            }
        }
    }

    /// Whether the worker could not know that the run is not its own any more.
    fn is_excused(&self, line: &Line) -> bool {
        let is_deaf = |at| (at..at + HEARS_WITHIN).contains(&line.at);
        let breaks = self.faults.breaks.iter();
        self.first_after.contains(&(&*line.worker, line.number))
            || breaks.filter(|(worker, _)| **worker == *line.worker).any(|(_, at)| is_deaf(*at))
    }

    /// No attempt begins after what came of it is stored, and that is stored once.
    fn nothing_begins_late(&mut self, id: &str, history: &[HistoryEntry], lines: &[&Line]) {
        let mut stored = BTreeMap::new();
        for entry in history {
            if let HistoryEvent::Call(call) = &entry.event {
                let other = stored.insert((call.key.as_str(), call.attempt), micros(entry.at));
                self.findings
                    .expect(other.is_none(), id, || format!("what came of {call:?} is stored twice"));
            }
        }
        let given_up = history.iter().find(|entry| gives_up(&entry.event));
        let mut begun = BTreeSet::new();
        for line in lines {
            let What::Begun { key, attempt, place } = &line.what else { continue };
            self.figures.attempts += 1;
            if !begun.insert((key, attempt)) {
                self.figures.repeated += 1;
            }
            let outcome = stored.get(&(key.as_str(), *attempt)).copied();
            let is_unheard =
                outcome.is_none() && given_up.is_some_and(|entry| is_unheard(line, entry, lines));
            match outcome.or(given_up.map(|entry| micros(entry.at))) {
                None => {
                    self.findings.add(id, format!("nothing was stored of attempt {attempt} of `{place}`"));
                }
                Some(at) if line.at <= at || is_unheard => {}
                Some(_) if self.is_excused(line) => self.figures.late += 1,
                Some(at) => {
                    let late = line.at - at;
                    let worker = &line.worker;
                    self.findings.add(
                        id,
                        format!("{worker} began attempt {attempt} of `{place}` {late} µs after its outcome was stored"),
                    );
                }
            }
        }
    }

    /// What was pushed on the undo stack is undone, last first, where a run failed or was cancelled.
    fn what_failed_is_undone(&self, id: &str, history: &[HistoryEntry], lines: &[&Line]) {
        let begun: Vec<(&str, &str)> = lines
            .iter()
            .filter_map(|line| match &line.what {
                What::Begun { key, place, .. } => Some((key.as_str(), place.as_str())),
                _ => None,
            })
            .collect();
        let place_of =
            |key: &str| begun.iter().find(|(other, _)| *other == key).map_or("nothing", |(_, place)| place);
        let undone = history.iter().filter_map(|entry| match &entry.event {
            HistoryEvent::Call(call) if call.outcome == CallOutcome::Undone => Some(place_of(&call.key)),
            _ => None,
        });
        let undone: Vec<&str> = undone.collect();
        let has_begun = |place: &str| begun.iter().any(|(_, other)| *other == place);
        let is_right = match number(id) {
            Some(n) => may_undo(n, &undone, has_begun),
            None => undone.is_empty(),
        };
        self.findings.expect(is_right, id, || format!("it has undone {undone:?}"));
    }
}
