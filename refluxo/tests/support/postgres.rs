//! A PostgreSQL server for one test process: on a free port of the loopback, in a folder that goes with it.

use std::{
    env,
    io::{self, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use refluxo::{
    store::{PostgresStore, PostgresStoreBuilder},
    time::{Clock, ManualClock, Timestamp},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The server, started when it is first asked for; `None` if none is installed.
static SERVER: LazyLock<Option<Server>> =
    LazyLock::new(|| programs().map(|programs| Server::start(&programs)));

/// Starts the server and stays until its input ends, which it does with the test process, however that ends.
const SUPERVISE: &str = r#"
    as_user=""
    if [ "$(id -u)" = 0 ]; then
        as_user="setpriv --reuid=postgres --regid=postgres --init-groups"
        chown postgres "$FOLDER"
    fi
    cd "$FOLDER"
    $as_user "$PROGRAMS/initdb" -A trust -U postgres --no-sync -E UTF8 --locale=C -D "$FOLDER/data" >"$FOLDER/log" 2>&1
    $as_user "$PROGRAMS/postgres" -D "$FOLDER/data" -p "$PORT" -c listen_addresses=127.0.0.1 \
        -c unix_socket_directories= -c max_connections=400 -c shared_buffers=64MB $SETTINGS >>"$FOLDER/log" 2>&1 &
    cat >/dev/null
    kill -QUIT $! 2>/dev/null
    wait
    rm -rf "$FOLDER"
"#;

/// What no test relies on: that a power cut takes nothing away.
const NOT_DURABLE: &str = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off";

/// Set before the first use, it leaves the server as it comes: for benches.
pub static IS_DURABLE: AtomicBool = AtomicBool::new(false);

struct Server {
    url: String,
    /// Its input is what the server lives by.
    _supervisor: Child,
}

/// Where the server's programs are.
fn programs() -> Option<PathBuf> {
    let asked = Command::new("pg_config").arg("--bindir").output().ok();
    let told =
        asked.and_then(|output| String::from_utf8(output.stdout).ok()).map(|dir| PathBuf::from(dir.trim()));
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    told.into_iter()
        .chain(found.into_iter().rev())
        .find(|dir| dir.join("initdb").exists() && dir.join("postgres").exists())
}

impl Server {
    fn start(programs: &Path) -> Self {
        let settings = if IS_DURABLE.load(Ordering::Relaxed) { "" } else { NOT_DURABLE };
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr()).expect("a free port").port();
        let folder = tempfile::Builder::new().prefix("refluxo-postgres-").tempdir().expect("a folder").keep();
        let supervisor = Command::new("sh")
            .args(["-c", SUPERVISE])
            .env("FOLDER", &folder)
            .env("PROGRAMS", programs)
            .env("PORT", port.to_string())
            .env("SETTINGS", settings)
            .stdin(Stdio::piped())
            .spawn()
            .expect("a shell");
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let start = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let log = folder.join("log");
            assert!(
                start.elapsed() < Duration::from_mins(1),
                "no server: {:?}",
                std::fs::read_to_string(log)
            );
            thread::sleep(Duration::from_millis(20));
        }
        Self { url, _supervisor: supervisor }
    }
}

/// The server's address. Where no server is installed the test is told to be skipped, unless all stores must be tested.
pub fn url() -> Option<&'static str> {
    if let Some(server) = &*SERVER {
        return Some(&server.url);
    }
    let test = thread::current().name().unwrap_or("a test").to_owned();
    assert!(env::var("REFLUXO_TEST_STORES").as_deref() != Ok("all"), "{test}: no PostgreSQL is installed");
    // Not by `eprintln`, which the harness keeps to itself.
    let _ = writeln!(io::stderr(), "skipped: {test} (no PostgreSQL is installed)");
    None
}

/// SQL to be run beside the tests, and who waits for it.
type Order = (String, mpsc::Sender<()>);

/// A thread with a connection, so that SQL can be run from within a test's runtime and from without.
static HAND: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, to_do) = mpsc::channel::<Order>();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let url = url().expect("whoever asks has a server");
        let mut connection = runtime.block_on(PgConnection::connect(url)).expect("a connection");
        for (sql, done) in to_do {
            runtime
                .block_on(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection))
                .expect("the test's SQL");
            let _ = done.send(());
        }
    });
    orders
});

/// Runs SQL on the server.
pub fn run(sql: String) {
    let (done, wait) = mpsc::channel();
    HAND.send((sql, done)).expect("the thread works");
    wait.recv().expect("the test's SQL is run");
}

/// A schema that no other test uses, with a name that must be quoted.
pub struct Schema {
    pub name: String,
}

impl Schema {
    pub fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        Self { name: format!("Test's \"{}\"", NUMBER.fetch_add(1, Ordering::Relaxed)) }
    }

    /// The schema's name as SQL takes it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.name.replace('"', "\"\""))
    }

    pub fn builder(&self) -> PostgresStoreBuilder {
        let url = url().expect("whoever asks has a server");
        PostgresStore::builder().url(url).schema(&self.name)
    }

    /// Lets the store's clock stand at a time. It is a sequence, since that shows the same to every snapshot.
    pub fn stop_clock(&self, now: Timestamp) {
        let (schema, now) = (self.quoted(), now.as_micros());
        run(format!(
            "CREATE SEQUENCE {schema}.stopped_clock START {now};
             CREATE OR REPLACE FUNCTION {schema}.clock() RETURNS bigint LANGUAGE sql VOLATILE
                 AS $$ SELECT last_value FROM {schema}.stopped_clock $$;"
        ));
    }

    /// Puts another text in the place of one in a function of the schema.
    pub fn rewrite(&self, function: &str, from: &str, to: &str) {
        let schema = self.quoted().replace('\'', "''");
        run(format!(
            "DO $rewrite$
             DECLARE old text := pg_get_functiondef('{schema}.{function}'::regproc);
             BEGIN
                 ASSERT old <> replace(old, $from${from}$from$, ''), 'the function has no such text';
                 EXECUTE replace(old, $from${from}$from$, $to${to}$to$);
             END $rewrite$"
        ));
    }

    /// Sets the stopped clock.
    pub fn set_clock(&self, now: Timestamp) {
        let (schema, now) = (self.quoted().replace('\'', "''"), now.as_micros());
        run(format!("SELECT setval('{schema}.stopped_clock', {now})"));
    }
}

/// A schema whose clock is the test's.
pub struct StoppedSchema {
    schema: Schema,
    /// Whether the tables are there, and with them the clock.
    ready: tokio::sync::OnceCell<()>,
    is_ready: AtomicBool,
}

impl StoppedSchema {
    pub fn new(clock: &Arc<ManualClock>) -> Arc<Self> {
        let this = Arc::new(Self {
            schema: Schema::new(),
            ready: tokio::sync::OnceCell::new(),
            is_ready: AtomicBool::new(false),
        });
        let (schema, now) = (Arc::downgrade(&this), Arc::downgrade(clock));
        clock.on_jump(Box::new(move || {
            let (Some(this), Some(clock)) = (schema.upgrade(), now.upgrade()) else { return false };
            if this.is_ready.load(Ordering::Acquire) {
                this.schema.set_clock(clock.now());
            }
            true
        }));
        this
    }

    /// Opens a store, which makes the tables if it is the first.
    pub async fn open(&self, clock: &ManualClock) -> PostgresStore {
        let store = self.schema.builder().connect().await.expect("the store opens");
        self.ready
            .get_or_init(async || {
                self.schema.stop_clock(clock.now());
                self.is_ready.store(true, Ordering::Release);
            })
            .await;
        store
    }
}
