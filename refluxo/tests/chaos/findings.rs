//! What was found to be wrong, and how it is told.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use refluxo::Engine;

use super::{
    faults::Faults,
    journal::{Line, micros},
};

/// How many findings are shown, and how many runs in full.
const SHOWN: (usize, usize) = (30, 4);

/// What is wrong: the run, and what is wrong with it. Clones are the same list.
#[derive(Clone, Debug, Default)]
pub struct Findings(Arc<Mutex<Vec<(String, String)>>>);

impl Findings {
    /// Something is wrong with a run; with no name, with all of it.
    pub fn add(&self, run: &str, what: impl Into<String>) {
        self.lock().push((run.to_owned(), what.into()));
    }

    /// Takes note of something that must hold.
    pub fn expect(&self, holds: bool, run: &str, what: impl FnOnce() -> String) {
        if !holds {
            self.add(run, what());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails if anything is wrong, and tells all that helps.
    pub async fn judge(&self, seed: u64, folder: &Path, faults: &Faults, engine: &Engine, lines: &[Line]) {
        let found = self.lock().clone();
        if found.is_empty() {
            return;
        }
        let mut text = format!(
            "{} findings with REFLUXO_SEED={seed}; all journals are in {}\n",
            found.len(),
            folder.display()
        );
        for (run, what) in found.iter().take(SHOWN.0) {
            let _ = writeln!(text, "  {run}: {what}");
        }
        let runs: BTreeSet<&str> = found.iter().map(|(run, _)| run.as_str()).collect();
        for run in runs.into_iter().filter(|run| !run.is_empty()).take(SHOWN.1) {
            let _ = writeln!(text, "\n{run}:");
            text += &story(run, faults, engine, lines).await;
        }
        panic!("{text}");
    }
}

/// What the journals and the store's history tell of a run, and what was done to workers meanwhile.
async fn story(run: &str, faults: &Faults, engine: &Engine, lines: &[Line]) -> String {
    let mut told: Vec<(u64, String)> = Vec::new();
    let of_run = lines.iter().filter(|line| line.run == run);
    told.extend(of_run.map(|line| (line.at, format!("{} {:?}", line.worker, line.what))));
    let history = engine.history(run).limit(1_000).await;
    for entry in history.into_iter().flat_map(|page| page.entries) {
        let event = serde_json::to_string(&entry.event).unwrap_or_default();
        told.push((micros(entry.at), format!("history of revision {}: {event}", entry.revision)));
    }
    let begin = told.iter().map(|(at, _)| *at).min().unwrap_or_default();
    let end = told.iter().map(|(at, _)| *at).max().unwrap_or_default();
    let around = begin.saturating_sub(3_000_000)..=end;
    told.extend(faults.log.iter().filter(|(at, _)| around.contains(at)).cloned());
    told.sort();
    told.iter().fold(String::new(), |mut text, (at, what)| {
        let _ = writeln!(text, "  {at} {what}");
        text
    })
}
