//! A worker: a process that does nothing but work, until it is killed or the test is over.

use std::{
    env,
    io::Read,
    path::{Path, PathBuf},
    process, thread,
    time::Duration,
};

use refluxo::{
    Engine, PostgresStore, SqliteStore,
    engine::EngineBuilder,
    store::{Store, Synchronous},
};

use super::{LEASE, journal::Journal, workflows};

const JOURNAL: &str = "REFLUXO_CHAOS_JOURNAL";
const FILE: &str = "REFLUXO_CHAOS_FILE";
const URL: &str = "REFLUXO_CHAOS_URL";
const SCHEMA: &str = "REFLUXO_CHAOS_SCHEMA";

/// Where the runs are.
#[derive(Clone, Debug)]
pub enum Place {
    File(PathBuf),
    Postgres { url: String, schema: String },
}

/// Where a worker works, and where it writes down what it does.
#[derive(Clone, Debug)]
pub struct Desk {
    pub place: Place,
    pub journal: PathBuf,
}

impl Desk {
    /// What the test has told this process, if it is a worker.
    pub fn given() -> Option<Self> {
        let journal = env::var_os(JOURNAL)?.into();
        let place = match env::var_os(FILE) {
            Some(path) => Place::File(path.into()),
            None => Place::Postgres {
                url: env::var(URL).expect("an address"),
                schema: env::var(SCHEMA).expect("a schema"),
            },
        };
        Some(Self { place, journal })
    }

    /// Tells a process that is about to be started.
    pub fn tell(&self, command: &mut process::Command) {
        command.env(JOURNAL, &self.journal);
        match &self.place {
            Place::File(path) => command.env(FILE, path),
            Place::Postgres { url, schema } => command.env(URL, url).env(SCHEMA, schema),
        };
    }
}

/// A killed process leaves what the operating system has, so the disk need not be waited for.
pub async fn open_file(path: &Path) -> SqliteStore {
    SqliteStore::builder(path).synchronous(Synchronous::Off).open().await.expect("the file opens")
}

/// Works for as long as the test lives.
pub fn work(desk: &Desk) {
    thread::spawn(|| {
        // Nothing comes, but the end when the test is gone.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        process::exit(0);
    });
    // One thread begins all steps, so that a stop finds one at most between its last look at the lease and its first line.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let journal = Journal::open(&desk.journal);
        match &desk.place {
            Place::File(path) => serve(open_file(path).await, &desk.place, journal).await,
            Place::Postgres { url, schema } => {
                serve(open_schema(url, schema).await, &desk.place, journal).await;
            }
        }
    });
}

/// Opens the schema as soon as the server can be reached.
async fn open_schema(url: &str, schema: &str) -> PostgresStore {
    loop {
        match PostgresStore::builder().url(url).schema(schema).connect().await {
            Ok(store) => return store,
            Err(error) => eprintln!("{error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn serve(store: impl Store, place: &Place, journal: Journal) {
    let engine: EngineBuilder = workflows::register(Engine::builder(store), place).provide(journal.clone());
    let engine = engine
        .witness(move |event| journal.event(event))
        .lease(LEASE)
        .concurrency(24)
        // The runs are not to blame.
        .poison_limit(u32::MAX)
        .build();
    let _engine = engine.await.expect("the engine begins");
    std::future::pending::<()>().await;
}
