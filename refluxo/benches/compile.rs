//! What `#[workflow]` adds to `cargo check` and to a release build.
//!
//! It writes a crate with one function and the six that it calls, and builds it in turns, three times each, in three forms:
//! with `#[workflow]` and `#[step]`, with `#[step]` alone, where the function is a plain `async fn` that awaits steps, and
//! without either. The difference of the first two is what `#[workflow]` adds. The function has so many awaits and so many locals that live from its first
//! line to its last, half of them without a type; its awaits stand in straight lines, branches, matches and loops, most of
//! them with a `?`. What is measured is that one crate alone, without incremental compilation; its dependencies are built
//! before. Printed are medians of the time that passed and of the CPU's, which tells more on a machine that does other things.
//!
//! `cargo bench --bench compile -- 100x20` measures one shape alone.

#[path = "support/cpu.rs"]
mod cpu;
#[path = "support/shape.rs"]
mod shape;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use cpu::{Spent, Who};
use shape::Shape;

/// How often each build is timed.
const ROUNDS: usize = 3;

const SHAPES: [Shape; 6] = [
    Shape { awaits: 10, locals: 5 },
    Shape { awaits: 10, locals: 20 },
    Shape { awaits: 100, locals: 5 },
    Shape { awaits: 100, locals: 20 },
    Shape { awaits: 300, locals: 5 },
    Shape { awaits: 300, locals: 20 },
];

/// A way to build the crate.
#[derive(Clone, Copy)]
enum Build {
    Check,
    Release,
}

/// What the crate's functions are; each is a feature of the crate's.
#[derive(Clone, Copy)]
enum Form {
    Plain,
    /// Only what the function calls is a step.
    Steps,
    /// The function is a workflow too.
    Workflow,
}

/// The crate that is built.
struct Generated {
    folder: PathBuf,
}

impl Generated {
    /// Writes the crate, but for its code.
    fn new() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile");
        fs::create_dir_all(folder.join("src")).expect("a folder");
        let library = env!("CARGO_MANIFEST_DIR");
        let manifest = format!(
            r#"
            [package]
            name = "shape"
            edition = "2024"
            [features]
            steps = []
            workflow = ["steps"]
            [dependencies]
            refluxo = {{ path = {library:?}, default-features = false }}
            serde = {{ version = "1", features = ["derive"] }}
            [workspace]
            "#
        );
        fs::write(folder.join("Cargo.toml"), manifest).expect("the manifest is written");
        // The same dependencies as here, which cargo has at hand.
        let _ = fs::copy(Path::new(library).join("../Cargo.lock"), folder.join("Cargo.lock"));
        Self { folder }
    }

    fn write(&self, shape: Shape) {
        fs::write(self.folder.join("src/lib.rs"), shape.program()).expect("the code is written");
    }

    /// Builds the crate anew, and only that, if its dependencies have been built.
    fn build(&self, build: Build, form: Form) {
        let now = std::time::SystemTime::now();
        let source = fs::File::options().append(true).open(self.folder.join("src/lib.rs"));
        source.and_then(|source| source.set_modified(now)).expect("the code is touched");
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(&self.folder).env("CARGO_INCREMENTAL", "0");
        cargo.env("CARGO_TARGET_DIR", self.folder.join("target"));
        cargo.args(match build {
            Build::Check => ["check"].as_slice(),
            Build::Release => ["build", "--release"].as_slice(),
        });
        cargo.args(match form {
            Form::Plain => [].as_slice(),
            Form::Steps => ["--features", "steps"].as_slice(),
            Form::Workflow => ["--features", "workflow"].as_slice(),
        });
        let output = cargo.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The medians of what the three forms take, in turns.
    fn compare(&self, build: Build) -> [Spent; 3] {
        // The dependencies.
        self.build(build, Form::Plain);
        let [mut plain, mut steps, mut workflow] =
            [Form::Plain, Form::Steps, Form::Workflow].map(|form| move || self.build(build, form));
        cpu::in_turns(Who::Children, ROUNDS, [&mut plain, &mut steps, &mut workflow])
    }
}

fn main() {
    // Cargo passes `--bench`.
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let generated = Generated::new();
    for shape in SHAPES {
        let name = format!("{}x{}", shape.awaits, shape.locals);
        if wanted.as_ref().is_some_and(|wanted| *wanted != name) {
            continue;
        }
        generated.write(shape);
        for (kind, build) in [("check", Build::Check), ("release build", Build::Release)] {
            let [plain, steps, workflow] = generated.compare(build);
            println!(
                "{name}, {kind}: {:+.2} s, {:+.2} s of CPU (workflow {:.2} s, CPU {:.2}; only steps {:.2} s, CPU {:.2}; \
                 plain {:.2} s, CPU {:.2})",
                workflow.wall - steps.wall,
                workflow.cpu - steps.cpu,
                workflow.wall,
                workflow.cpu,
                steps.wall,
                steps.cpu,
                plain.wall,
                plain.cpu,
            );
        }
    }
}
