//! What a `join_all!` over many items costs on SQLite, 64 of them at once and all of them: bytes written and time for each item, and
//! memory. The time for each item does not grow with the items.
//!
//! Each size runs in a process of its own, whose figures are those that the kernel keeps of it: `wchar` of `/proc/self/io`, which
//! counts what is written to the file and its WAL, and `VmHWM` of `/proc/self/status`, the most memory that it ever had.

use std::{path::Path, process::Command, time::Instant};

use refluxo::prelude::*;
use tokio::runtime::Runtime;

/// How many items there are.
const SIZES: [u64; 4] = [1_250, 2_500, 5_000, 10_000];

/// Tells this bench's own processes how many items to take.
const ITEMS: &str = "REFLUXO_BENCH_ITEMS";

/// Tells them to take all at once.
const AT_ONCE: &str = "REFLUXO_BENCH_AT_ONCE";

/// A step for one item.
#[step]
async fn sum_up(number: u64) -> String {
    format!("the sum of item {number} is {}", number * 31)
}

#[workflow]
async fn sums(items: u64) -> usize {
    let sums = join_all!(for number in 0..items => sum_up(number), limit = 64);
    sums.len()
}

#[workflow]
async fn sums_at_once(items: u64) -> usize {
    let sums = join_all!(for number in 0..items => sum_up(number));
    sums.len()
}

fn main() {
    if let Some(items) = std::env::var(ITEMS).ok().and_then(|items| items.parse().ok()) {
        return measure(items, std::env::var_os(AT_ONCE).is_some());
    }
    let this = std::env::current_exe().expect("the bench's own program");
    for at_once in [false, true] {
        for items in SIZES {
            let mut measured = Command::new(&this);
            measured.env(ITEMS, items.to_string());
            if at_once {
                measured.env(AT_ONCE, "");
            }
            assert!(measured.status().expect("the bench runs").success(), "{items} items failed");
        }
    }
}

/// Runs the workflow over so many items and prints what that took.
fn measure(items: u64, at_once: bool) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let runtime = Runtime::new().expect("a runtime");
    let engine = runtime.block_on(engine(&folder.path().join("runs.db")));
    let (written, memory, started) = (figure("io", "wchar"), figure("status", "VmHWM"), Instant::now());
    let joined = runtime.block_on(async {
        if at_once {
            let run = engine.start("sums", sums_at_once(items)).await.expect("the run starts");
            run.result().await.expect("the run ends")
        } else {
            let run = engine.start("sums", sums(items)).await.expect("the run starts");
            run.result().await.expect("the run ends")
        }
    });
    assert_eq!(joined as u64, items);
    let (time, written) = (started.elapsed(), figure("io", "wchar") - written);
    println!(
        "{items} items, {}: {} bytes written and {:.0} µs for each; {} kB of memory at most, {memory} kB before",
        if at_once { "all at once" } else { "64 at once" },
        written / items,
        time.as_secs_f64() * 1e6 / f64::from(u32::try_from(items).unwrap_or(u32::MAX)),
        figure("status", "VmHWM"),
    );
}

async fn engine(path: &Path) -> Engine {
    let store = SqliteStore::open(path).await.expect("the file opens");
    Engine::builder(store).register::<Sums>().register::<SumsAtOnce>().build().await.expect("an engine")
}

/// A number that the kernel keeps of this process; zero where it keeps none.
fn figure(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
