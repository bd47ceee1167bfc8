//! Imports a file record by record, with a commit for each, and goes on where it was killed.
//!
//! ```text
//! cargo run --bin loop_import      # stop it with Ctrl-C or `kill -9`, and call it again
//! ```
//!
//! The records are the changes of the clocks in 49 time zones since 1980, from the public-domain tz database.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use clap::Parser;
use refluxo::{Context, Failure, prelude::*};

/// A change of the clocks, as it stands in the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct ClockChange {
    zone: String,
    utc: String,
    offset: i32,
    abbreviation: String,
}

/// How many records this process has imported.
static IMPORTED_HERE: AtomicU32 = AtomicU32::new(0);

/// Every line of the target has this many bytes.
const LINE_BYTES: usize = 64;

/// Reads the records.
#[step]
async fn read(source: &Path) -> Result<Vec<ClockChange>, Failure> {
    let mut file = csv::Reader::from_path(source).context("the file can't be opened")?;
    file.deserialize().collect::<Result<_, _>>().context("the file can't be read")
}

/// Writes a record where it belongs in the target, so that writing it twice changes nothing.
#[step]
async fn write(target: &Path, number: usize, change: &ClockChange) -> Result<(), Failure> {
    let ClockChange { zone, utc, offset, abbreviation } = change;
    let text = format!("{utc} {zone} {offset} {abbreviation}");
    let mut file = File::options().create(true).truncate(false).write(true).open(target)?;
    file.seek(SeekFrom::Start((number * LINE_BYTES) as u64))?;
    writeln!(file, "{text:<width$}", width = LINE_BYTES - 1)?;
    IMPORTED_HERE.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Imports the source into the target and counts the changes of each zone.
#[workflow]
async fn import(source: PathBuf, target: PathBuf) -> Result<BTreeMap<String, u32>, Failure> {
    let changes = read(&source).await?;
    let mut zones = BTreeMap::new();
    // Each turn of the loop is stored: the records once, beside them the place in them and the counts.
    for (number, change) in changes.iter().enumerate() {
        write(&target, number, change).await?;
        *zones.entry(change.zone.clone()).or_insert(0) += 1;
    }
    Ok(zones)
}

/// Imports a file.
#[derive(Parser)]
struct Args {
    /// The records.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/clock_changes.csv"))]
    source: PathBuf,
    /// Where they go.
    #[arg(default_value = "clock_changes.txt")]
    target: PathBuf,
    /// The database.
    #[arg(long, default_value = "loop_import.db")]
    db: PathBuf,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Args { source, target, db } = Args::parse();
    let engine = Engine::builder(SqliteStore::open(db).await?).register::<Import>().build().await?;
    let run = engine.start("import", import(fs::canonicalize(source)?, target)).await?;
    let zones = run.result().await?.map_err(|failure| anyhow::anyhow!("{failure:#}"))?;
    let all: u32 = zones.values().sum();
    println!("{all} records of {} zones, {} of them now", zones.len(), IMPORTED_HERE.load(Ordering::Relaxed));
    engine.shutdown().await;
    Ok(())
}
