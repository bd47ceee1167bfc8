//! The quick start of the README, as a newcomer copies it.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The README's first block of Rust.
fn quick_start(readme: &str) -> &str {
    let (_, rest) = readme.split_once("```rust\n").unwrap();
    rest.split_once("```").unwrap().0
}

/// The folder that cargo builds into: the test itself stands in `debug/deps` below it.
fn target() -> PathBuf {
    env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned()
}

/// The manifest that the README's `cargo add` lines lead to, but for where refluxo is taken from.
fn manifest(workspace: &Path) -> String {
    format!(
        r#"
            [package]
            name = "welcome"
            edition = "2024"

            [dependencies]
            anyhow = "1"
            refluxo = {{ path = '{}' }}
            serde = {{ version = "1", features = ["derive"] }}
            tokio = {{ version = "1", features = ["macros", "rt-multi-thread"] }}

            [profile.dev]
            debug = "line-tables-only"

            [workspace]
        "#,
        workspace.join("refluxo").display()
    )
}

#[test]
fn the_quick_start_runs_in_a_fresh_crate_without_a_change() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let readme = fs::read_to_string(workspace.join("README.md")).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    fs::create_dir(fresh.path().join("src")).unwrap();
    fs::write(fresh.path().join("src/main.rs"), quick_start(&readme)).unwrap();
    fs::write(fresh.path().join("Cargo.toml"), manifest(workspace)).unwrap();
    // The versions that the workspace has fetched already.
    fs::copy(workspace.join("Cargo.lock"), fresh.path().join("Cargo.lock")).unwrap();

    let run = || {
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--offline"])
            .env("CARGO_TARGET_DIR", target())
            .current_dir(fresh.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let greetings = "1. Hello, Ada!\n2. Hello, Grace!\n3. Hello, Barbara!\n";
    assert_eq!(run(), format!("greeting Ada\ngreeting Grace\ngreeting Barbara\n{greetings}"));
    assert_eq!(run(), greetings, "what was done is not done again");
}
