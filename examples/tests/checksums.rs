//! The fan-out over a folder of real files: its process is killed in the middle and started again.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use refluxo::prelude::*;

const FILES: usize = 300;

/// The example, on this folder and this database.
fn checksums(folder: &Path, db: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_checksums"));
    command.arg(folder).arg("--db").arg(db);
    command
}

/// How many checksums are stored, as another process sees it.
fn stored(run: &str, db: &Path) -> usize {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = Engine::builder(SqliteStore::open(db).await.unwrap()).build().await.unwrap();
        let snapshot = engine.snapshot(run).await;
        snapshot.map_or(0, |snapshot| snapshot.branches.keys().filter(|key| key.starts_with("o:")).count())
    })
}

#[test]
fn a_fan_out_that_is_killed_goes_on_with_the_files_that_are_left() {
    let place = tempfile::tempdir().unwrap();
    let (folder, db) = (place.path().join("files"), place.path().join("checksums.db"));
    fs::create_dir_all(folder.join("below")).unwrap();
    for number in 0..FILES {
        let below = if number % 2 == 0 { "below" } else { "" };
        fs::write(folder.join(below).join(format!("{number}.txt")), format!("file {number} ").repeat(5_000))
            .unwrap();
    }
    let folder = fs::canonicalize(folder).unwrap();
    let run = format!("checksums-{}", blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex());

    let mut first = checksums(&folder, &db).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let mut before = 0;
    while before < 20 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no checksum is stored");
        thread::sleep(Duration::from_millis(2));
        before = if db.exists() { stored(&run, &db) } else { 0 };
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let before = stored(&run, &db);
    assert!((20..FILES).contains(&before), "{before} checksums were stored when it was killed");

    let second = checksums(&folder, &db).output().unwrap();
    let (out, told) = (String::from_utf8(second.stdout).unwrap(), String::from_utf8(second.stderr).unwrap());
    assert!(second.status.success(), "{told}");
    let left = FILES - before;
    assert!(told.contains(&format!("{FILES} files, {left} of them read now")), "{told}");
    assert_eq!(out.lines().count(), FILES);
    for line in out.lines() {
        let (hash, file) = line.split_once("  ").unwrap();
        assert_eq!(hash, blake3::hash(&fs::read(file).unwrap()).to_hex().as_str(), "{file}");
    }
}
