//! The generated programs as a cargo package below the target directory: written, built, run.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::generate::{Does, INPUTS, Program};

/// A package of programs that has been written.
pub(crate) struct Project {
    root: PathBuf,
    target: PathBuf,
    /// The programs of each binary.
    batches: Vec<Vec<Program>>,
}

/// The root of each binary: it mounts its programs twice, like the suite of hand-written ones.
const MAIN: &str = "#![allow(warnings)]
mod durable;
mod plain;

fn main() -> std::process::ExitCode {
    refluxo_tests::compare::report(&plain::programs::cases(), &durable::programs::cases())
}
";

/// How each file of programs begins.
const HEADER: &str = "use super::prelude::*;

/// A child for the programs below.
#[workflow]
async fn helper(n: u64) -> u64 {
    let doubled = double(n).await;
    add(doubled, 1).await
}
";

/// A child that may fail, for the programs that do several things at once.
const FRAGILE: &str = "
#[workflow]
async fn fragile(n: u64, a_ms: u64, b_ms: u64) -> Result<u64, ShopError> {
    let n = slow(n, a_ms).await;
    compensate!(take_back(format!(\"child {n}\")));
    slow_divide(n, n % 3, b_ms).await
}
";

/// More signals than any program waits for: all there from the beginning, or each later than the one before.
const fn payments(does: Does) -> &'static str {
    match does {
        Does::OneByOne => {
            "
fn payments() -> Vec<refluxo_tests::script::Sent> {
    (1..=1000).map(|amount| refluxo_tests::script::Sent::new(&Payment { amount })).collect()
}
"
        }
        Does::Together => {
            "
fn payments() -> Vec<refluxo_tests::concurrent::Arrival> {
    (1..=1000).map(|amount| refluxo_tests::concurrent::Arrival::new(amount * 30_011, &Payment { amount })).collect()
}
"
        }
    }
}

/// Writes the programs as a package with one binary for each `per_crate` of them.
pub(crate) fn write(programs: &[Program], per_crate: usize) -> Project {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it is below target").to_owned();
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = target.join("random-programs");
    put(&root.join("Cargo.toml"), &manifest(tests));
    // The versions of the workspace, so that nothing is built twice. Without a lock cargo chooses them.
    let _ = fs::copy(tests.join("../Cargo.lock"), root.join("Cargo.lock"));
    let batches = batches(programs, per_crate);
    for (n, batch) in batches.iter().enumerate() {
        let folder = root.join(format!("src/bin/{}", binary(n)));
        put(&folder.join("main.rs"), MAIN);
        put(&folder.join("plain.rs"), &mount(batch[0].does, "plain"));
        put(&folder.join("durable.rs"), &mount(batch[0].does, "durable"));
    }
    let project = Project { root, target, batches };
    project.write_programs();
    project.remove_older_batches();
    project
}

/// Programs that are run in the same way, so many together.
fn batches(programs: &[Program], per_crate: usize) -> Vec<Vec<Program>> {
    let of = |does| programs.iter().filter(move |program| program.does == does).cloned().collect::<Vec<_>>();
    let both = [of(Does::OneByOne), of(Does::Together)];
    both.iter().flat_map(|programs| programs.chunks(per_crate).map(<[Program]>::to_vec)).collect()
}

/// The name of a batch's binary.
fn binary(batch: usize) -> String {
    format!("batch{batch}")
}

/// Writes a file. One that is as it should be keeps its time, so that cargo does not build it again.
fn put(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|found| found == text) {
        return;
    }
    fs::create_dir_all(path.parent().expect("every file has a folder"))
        .expect("the target directory can be written");
    fs::write(path, text).expect("the target directory can be written");
}

fn manifest(tests: &Path) -> String {
    format!(
        "[package]\nname = \"random-programs\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\n\
         refluxo = {{ path = '{}' }}\nrefluxo-tests = {{ path = '{}' }}\n\n\
         # The dependencies are built as in the workspace, to be found there; the programs, as fast as can be.\n\
         [profile.dev]\ndebug = 0\nincremental = false\n\n\
         [profile.dev.package.\"*\"]\ndebug = \"line-tables-only\"\nincremental = true\n",
        tests.join("../refluxo").display(),
        tests.display(),
    )
}

/// The module that gives the programs one of the two preludes.
fn mount(does: Does, way: &str) -> String {
    let way = match does {
        Does::OneByOne => way.to_owned(),
        Does::Together => format!("concurrent::{way}"),
    };
    format!("pub use refluxo_tests::{way}::prelude;\n\n#[path = \"programs.rs\"]\npub mod programs;\n")
}

/// A file of programs, with the list of their cases.
fn file(programs: &[Program]) -> String {
    let does = programs.first().map_or(Does::OneByOne, |program| program.does);
    let child = if does == Does::Together { FRAGILE } else { "" };
    let mut file = HEADER.to_owned() + child + payments(does);
    // The child has a case too, which is how the harness knows it.
    let mut cases = "        case(\"helper\", || helper(3), payments),\n".to_owned();
    for Program { name, source, .. } in programs {
        write!(file, "\n{source}").expect("a string can be written");
        for input in INPUTS {
            writeln!(cases, "        case({name:?}, || {name}({input}), payments),")
                .expect("a string can be written");
        }
    }
    file + &format!("\npub fn cases() -> Vec<refluxo_tests::Case> {{\n    vec![\n{cases}    ]\n}}\n")
}

impl Project {
    /// Builds and runs all programs. What failed is described, with the sources; an empty text is a success.
    pub(crate) fn run(mut self) -> String {
        let mut report = String::new();
        loop {
            let build = self.build();
            if build.status.success() {
                break;
            }
            let errors = String::from_utf8_lossy(&build.stderr);
            let failed = self.programs_in(&errors);
            report = report + &errors + &self.sources(&failed);
            if failed.is_empty() {
                return format!("{report}cargo ended with {}\n", build.status);
            }
            // The others are to be run all the same.
            self.remove(&failed);
        }
        report + &(0..self.batches.len()).map(|batch| self.run_batch(batch)).collect::<String>()
    }

    fn remove(&mut self, failed: &BTreeSet<String>) {
        for batch in &mut self.batches {
            batch.retain(|program| !failed.contains(&program.name));
        }
        self.write_programs();
    }

    fn write_programs(&self) {
        for (n, programs) in self.batches.iter().enumerate() {
            put(&self.root.join(format!("src/bin/{}/programs.rs", binary(n))), &file(programs));
        }
    }

    /// Removes what an earlier run with more programs has left.
    fn remove_older_batches(&self) {
        let folder = |n| self.root.join(format!("src/bin/{}", binary(n)));
        let older = (self.batches.len()..).map(folder).take_while(|folder| folder.exists());
        older.for_each(|folder| fs::remove_dir_all(folder).expect("the target directory can be written"));
    }

    /// Builds with the cargo that runs this test, into the same target directory: the dependencies are there already.
    fn build(&self) -> Output {
        Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet", "--keep-going", "--manifest-path"])
            .arg(self.root.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&self.target)
            .output()
            .expect("cargo can be started")
    }

    fn run_batch(&self, batch: usize) -> String {
        let output =
            Command::new(self.target.join("debug").join(binary(batch))).output().expect("it was built");
        if output.status.success() {
            return String::new();
        }
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let failed =
            report.lines().filter_map(|line| line.strip_suffix(" differs:").map(str::to_owned)).collect();
        report.clone() + &String::from_utf8_lossy(&output.stderr) + &self.sources(&failed)
    }

    /// The programs that rustc's errors point into.
    fn programs_in(&self, errors: &str) -> BTreeSet<String> {
        errors.lines().filter_map(|line| self.program_at(line)).map(str::to_owned).collect()
    }

    /// The program that a line like `--> src/bin/batch0/programs.rs:17:5` points into.
    fn program_at(&self, line: &str) -> Option<&str> {
        let (_, place) = line.split_once("--> ")?;
        let (batch, place) = place.split_once("/batch")?.1.split_once("/programs.rs:")?;
        let row: usize = place.split(':').next()?.parse().ok()?;
        let programs = &self.batches[batch.parse::<usize>().ok()?];
        let above: Vec<_> = file(programs).lines().take(row).map(str::to_owned).collect();
        let is_above =
            |program: &&Program| above.iter().any(|line| line.contains(&format!("fn {}(", program.name)));
        programs.iter().rfind(is_above).map(|program| program.name.as_str())
    }

    fn sources(&self, failed: &BTreeSet<String>) -> String {
        let programs = self.batches.iter().flatten().filter(|program| failed.contains(&program.name));
        let mut text = format!("{} programs failed\n", failed.len());
        for Program { seed, source, .. } in programs {
            write!(text, "\nseed {seed}:\n{source}").expect("a string can be written");
        }
        text
    }
}
