//! What the workers write down beside the store: a file for each process, a line for each thing that happened.

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs::{self, File},
    io::Write,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use refluxo::{observer::Event, suspend::StepContext, time::Timestamp};

/// A worker's journal.
#[derive(Clone)]
pub struct Journal(Option<Arc<File>>);

/// A line of a journal.
#[derive(Clone, Debug)]
pub struct Line {
    /// When, by the one clock of this machine, that is the store's too.
    pub at: u64,
    /// The process.
    pub worker: Arc<str>,
    /// Its number in the process's journal.
    pub number: usize,
    /// The run; none if it is about the worker.
    pub run: String,
    pub what: What,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A step's body has begun.
    Begun { key: String, attempt: u32, place: String },
    /// A commit was stored, and the run is at a state.
    Reached { revision: u64, text: String },
    /// Another worker's run was taken over.
    TakenOver,
    /// The run was lost to another worker.
    Lost,
    /// Something else.
    Other(String),
}

/// This machine's clock, in microseconds.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is later than 1970");
    u64::try_from(since.as_micros()).expect("it is not that late")
}

/// A time of the store, by the same clock.
pub fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_micros()).expect("it is later than 1970")
}

impl Journal {
    /// The journal of who does no work.
    pub fn none() -> Self {
        Self(None)
    }

    pub fn open(path: &Path) -> Self {
        let file = File::options().create(true).append(true).open(path).expect("a journal");
        Self(Some(Arc::new(file)))
    }

    /// Writes a line, whole or not at all.
    fn line(&self, kind: &str, run: &str, rest: impl Display) {
        if let Some(file) = &self.0 {
            let line = format!("{}\t{kind}\t{run}\t{rest}\n", now());
            (&**file).write_all(line.as_bytes()).expect("the journal takes a line");
        }
    }

    /// A step's body has begun.
    pub fn begun(&self, cx: &StepContext, place: &str) {
        self.line("begun", cx.run_id(), format_args!("{}\t{}\t{place}", cx.idempotency_key(), cx.attempt()));
    }

    /// What the engine tells.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Reached(reached) => {
                let (revision, at, status) = (reached.revision, &reached.at, reached.status);
                self.line("reached", reached.run.as_str(), format_args!("{revision}\t{at} {status:?}"));
            }
            Event::TakenUp(taken) => self.line("taken", taken.run.as_str(), taken.how.as_str()),
            Event::LeaseLost(lost) => self.line("lost", lost.run.as_str(), ""),
            Event::Parked(parked) => self.line("parked", parked.run.as_str(), &parked.reason),
            Event::Ended(ended) => self.line("ended", ended.run.as_str(), format_args!("{:?}", ended.status)),
            Event::StoreFailed(failed) => {
                self.line(
                    "store",
                    "",
                    format!("{:?}: {}", failed.operation, failed.error).replace('\n', " "),
                );
            }
            _ => {}
        }
    }
}

/// All journals of a folder, in the order of time.
pub fn read_all(folder: &Path) -> Vec<Line> {
    let mut lines = Vec::new();
    for file in fs::read_dir(folder).expect("the folder") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "journal") {
            let worker: Arc<str> = path.file_stem().expect("a name").to_string_lossy().into();
            let text = fs::read_to_string(&path).expect("a journal");
            let parsed = text.lines().enumerate();
            lines.extend(parsed.map(|(number, line)| Line::parse(&worker, number, line)));
        }
    }
    lines.sort_by_key(|line| line.at);
    lines
}

impl Line {
    fn parse(worker: &Arc<str>, number: usize, line: &str) -> Self {
        let mut fields = line.splitn(4, '\t');
        let mut field = || fields.next().unwrap_or_else(|| panic!("a line of {worker} is cut short: {line}"));
        let (at, kind, run, rest) = (field(), field(), field(), field());
        let what = match (kind, rest.splitn(3, '\t').collect::<Vec<_>>()[..].as_ref()) {
            ("begun", [key, attempt, place]) => What::Begun {
                key: (*key).to_owned(),
                attempt: attempt.parse().expect("a number"),
                place: (*place).to_owned(),
            },
            ("reached", [revision, text]) => {
                What::Reached { revision: revision.parse().expect("a number"), text: (*text).to_owned() }
            }
            ("taken", ["taken_over"]) => What::TakenOver,
            ("lost", _) => What::Lost,
            _ => What::Other(format!("{kind} {rest}")),
        };
        let at = at.parse().expect("a time");
        Self { at, worker: worker.clone(), number, run: run.to_owned(), what }
    }
}

/// The lines of each run.
pub fn by_run(lines: &[Line]) -> BTreeMap<&str, Vec<&Line>> {
    let mut runs: BTreeMap<&str, Vec<&Line>> = BTreeMap::new();
    for line in lines {
        runs.entry(&line.run).or_default().push(line);
    }
    runs
}
