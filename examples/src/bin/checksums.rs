//! Computes a checksum of every file in a folder, eight at once, with a progress bar; killed and called again, it goes on with the
//! files that are left.
//!
//! ```text
//! cargo run --bin checksums -- ~/Pictures     # stop it with Ctrl-C or `kill -9`, and call it again
//! ```

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use refluxo::{Context, Failure, prelude::*};

/// How many files this process has read.
static READ_HERE: AtomicU32 = AtomicU32::new(0);

/// Finds the files of a folder and of the folders in it, in order.
#[step]
async fn list(#[inject] progress: &ProgressBar, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    progress.set_length(files.len() as u64);
    Ok(files)
}

/// Reads a file on a thread where that may take its time. One that can't be read is no reason to stop.
#[step]
async fn checksum(#[inject] progress: &ProgressBar, file: &Path) -> Option<String> {
    let file = file.to_owned();
    let hash = tokio::task::spawn_blocking(move || {
        let mut hasher = blake3::Hasher::new();
        io::copy(&mut File::open(file)?, &mut hasher)?;
        io::Result::Ok(hasher.finalize().to_hex().to_string())
    });
    let hash = hash.await.ok().and_then(io::Result::ok);
    READ_HERE.fetch_add(1, Ordering::Relaxed);
    progress.inc(1);
    hash
}

/// Computes the checksums of all files in a folder; `None` of those that can't be read.
#[workflow]
async fn checksums(folder: PathBuf) -> Result<BTreeMap<PathBuf, Option<String>>, Failure> {
    let files = list(&folder).await?;
    // Each checksum is stored when it is there, so only those that were under way are computed again after a crash.
    let hashes = join_all!(for file in &files => checksum(file), limit = 8);
    Ok(files.into_iter().zip(hashes).collect())
}

/// How many checksums are stored already.
async fn done(run: &Run<Checksums>) -> anyhow::Result<usize> {
    Ok(run.snapshot().await?.branches.keys().filter(|key| key.starts_with("o:")).count())
}

/// Computes checksums.
#[derive(Parser)]
struct Args {
    /// The folder.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/.."))]
    folder: PathBuf,
    /// The database.
    #[arg(long, default_value = "checksums.db")]
    db: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { folder, db } = Args::parse();
    let folder = fs::canonicalize(folder)?;
    let progress = ProgressBar::new_spinner();
    progress
        .set_style(ProgressStyle::with_template("{elapsed} {wide_bar} {human_pos} of {human_len} files")?);
    let engine = Engine::builder(SqliteStore::open(db).await?)
        .register::<Checksums>()
        .provide(progress.clone())
        .build()
        .await?;
    let id = format!("checksums-{}", blake3::hash(folder.as_os_str().as_encoded_bytes()).to_hex());
    let run = engine.start(id, checksums(folder)).await?;
    if let Ok(Checksums::JoinAll { files, .. }) = run.state().await {
        progress.set_length(files.len() as u64);
        progress.inc(done(&run).await? as u64);
    }
    let checksums = run.result().await?.map_err(|failure| anyhow::anyhow!("{failure:#}"))?;
    progress.finish_and_clear();
    for (file, hash) in &checksums {
        println!("{}  {}", hash.as_deref().unwrap_or("can't be read"), file.display());
    }
    eprintln!("{} files, {} of them read now", checksums.len(), READ_HERE.load(Ordering::Relaxed));
    engine.shutdown().await;
    Ok(())
}
