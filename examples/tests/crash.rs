//! Workflows like those of the examples, in a real process that is killed at random moments.
//!
//! The worker is this test's own program, called again: it works on one run and writes down what it does. Each step that
//! begins is a line with the call's idempotency key, and so is each state that was stored. In the end the run must have the
//! output of an undisturbed one; every step must have begun, in the order of the code, and none again after the state that
//! follows it was stored. The lease is far longer than the test has patience, so a restart must not wait for it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

#[path = "crash/workflows.rs"]
mod workflows;

use workflows::{Approve, LOG, OUTPUT};

/// How often each workflow's process is killed.
const KILLS: u32 = 300;

/// How long an undisturbed worker may take: far less than its lease.
const PATIENCE: Duration = Duration::from_secs(20);

/// Any of the tests is the worker in a process that one of them has started.
fn is_a_worker() -> bool {
    let (Ok(folder), Ok(workflow)) = (env::var("CRASH_FOLDER"), env::var("CRASH_WORKFLOW")) else {
        return false;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(workflows::work(PathBuf::from(folder), &workflow));
    true
}

#[test]
fn a_checkout_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    let expected = ["reserve lamp", "reserve shelf", "charge 940", "ship lamp shelf"];
    survives("checkout", &expected, r#"{"Ok":"paid 940"}"#, |_| {});
}

#[test]
fn an_import_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    let writes = (0..40).map(|number| format!("write {number}"));
    let expected = ["read".to_owned()].into_iter().chain(writes).collect::<Vec<_>>();
    survives("import", &expected, r#"{"even":20,"odd":20}"#, |_| {});
}

#[test]
fn an_approval_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    let expected = ["ask 480", "pay 480"];
    survives("approval", &expected, r#"{"Ok":"eve agreed"}"#, |folder| {
        // Somebody agrees, once, when they were asked.
        if log(folder).contains("ask") && !folder.join("approved").exists() {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(Approve { by: "eve" }.send(folder));
            fs::write(folder.join("approved"), "").unwrap();
        }
    });
}

/// Kills the workflow's process until that was done often enough, and checks each run that came to its end.
fn survives(workflow: &str, expected: &[impl AsRef<str>], output: &str, meanwhile: impl Fn(&Path)) {
    if is_a_worker() {
        return;
    }
    let seed = env::var("CRASH_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("CRASH_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut kills, mut in_the_middle) = (0, 0);
    while kills < KILLS {
        let folder = tempfile::tempdir().unwrap();
        let until = KILLS.min(kills + random.u32(1..20));
        while kills < until && !folder.path().join(OUTPUT).exists() {
            let mut process = start(folder.path(), workflow);
            thread::sleep(Duration::from_micros(random.u64(4_000..40_000)));
            meanwhile(folder.path());
            process.kill().unwrap();
            process.wait().unwrap();
            kills += 1;
            in_the_middle +=
                u32::from(!log(folder.path()).is_empty() && !folder.path().join(OUTPUT).exists());
        }
        finish(folder.path(), workflow, &meanwhile);
        assert_eq!(fs::read_to_string(folder.path().join(OUTPUT)).unwrap(), output, "{}", log(folder.path()));
        check(&log(folder.path()), expected);
    }
    println!("{in_the_middle} of {kills} kills were in the middle of a run");
    assert!(in_the_middle > kills / 10, "the kills miss the runs");
}

/// Lets the process come to its end.
fn finish(folder: &Path, workflow: &str, meanwhile: &impl Fn(&Path)) {
    let begun = Instant::now();
    let mut process = start(folder, workflow);
    while process.try_wait().unwrap().is_none() {
        meanwhile(folder);
        if begun.elapsed() > PATIENCE {
            process.kill().unwrap();
            panic!("the run is stuck: does the restart wait for the lease?\n{}", log(folder));
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Starts the worker.
fn start(folder: &Path, workflow: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["a_checkout_that_is_killed_anywhere_ends_as_if_it_had_not_been", "--exact"])
        .env("CRASH_FOLDER", folder)
        .env("CRASH_WORKFLOW", workflow)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the workers wrote down so far.
fn log(folder: &Path) -> String {
    fs::read_to_string(folder.join(LOG)).unwrap_or_default()
}

/// Every step began, in order, and none again after the next state was stored or another step began.
fn check(log: &str, expected: &[impl AsRef<str>]) {
    let mut begun: Vec<(&str, &str)> = Vec::new();
    let mut is_stored = true;
    for line in log.lines() {
        match line.split_once(' ').unwrap() {
            ("stored", _) => is_stored = true,
            (key, step) if begun.last() == Some(&(key, step)) => {
                assert!(!is_stored, "`{step}` began again after its commit:\n{log}");
            }
            (key, step) => {
                assert!(begun.iter().all(|(earlier, _)| *earlier != key), "`{step}` came back:\n{log}");
                begun.push((key, step));
                is_stored = false;
            }
        }
    }
    let steps = begun.iter().map(|(_, step)| *step);
    assert!(steps.eq(expected.iter().map(AsRef::as_ref)), "other steps than expected:\n{log}");
}
