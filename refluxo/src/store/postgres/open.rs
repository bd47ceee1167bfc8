//! Opening a store: settings, the schema and connections.

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use sqlx::{
    Connection as _, Error, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::{runtime::Handle, sync::mpsc};
use uuid::Uuid;

use super::{
    PostgresStore, Shared, borrow::borrow, listen::Hearing, schema::migrate, sessions::Sessions,
    statements::Statements, writer::Writer,
};
use crate::store::{Limits, wake::Bells};

/// The longest name that PostgreSQL keeps whole, in bytes.
const LONGEST_NAME: usize = 63;

/// How many connections a store has beside the one that listens, if it makes the pool itself.
const CONNECTIONS: u32 = 10;

/// How long a connection may have been idle and be taken for good unseen.
const FRESH: Duration = Duration::from_secs(5);

/// Why a schema can't be opened as a store.
#[derive(Debug, thiserror::Error)]
pub enum PostgresOpenError {
    /// A later release has changed the schema.
    #[error(
        "the schema `{schema}` on {server} was changed by a later release (to step {found}, this one knows {known}): \
         upgrade refluxo"
    )]
    Newer {
        /// The server and its database.
        server: String,
        /// The schema.
        schema: String,
        /// The last step that it has had.
        found: usize,
        /// The last step that this release knows.
        known: usize,
    },
    /// The schema holds a table of another program.
    #[error(
        "the schema `{schema}` on {server} has a table of another program named `run` or `migration`: give the store a \
         schema of its own with `.schema(\"…\")`"
    )]
    Foreign {
        /// The server and its database.
        server: String,
        /// The schema.
        schema: String,
    },
    /// The server is older than the store can work with.
    #[error("{server} is PostgreSQL {found}: the store needs version 14 or later")]
    TooOld {
        /// The server and its database.
        server: String,
        /// Its major version.
        found: i32,
    },
    /// PostgreSQL would cut the schema's name short, or has no such names.
    #[error("`{schema}` can't be the name of a schema: it takes 1 to 63 bytes without a `\\0`")]
    InvalidSchema {
        /// The name.
        schema: String,
    },
    /// It was told neither where the server is nor which connections to use.
    #[error(
        "no server was named: use `PostgresStore::connect(\"postgres://…\")`, or the builder's `.url(…)` or `.pool(…)`"
    )]
    NoServer,
    /// The address can't be read.
    #[error(
        "the address of the server can't be read: {source}; it is written `postgres://user:password@host:5432/database`"
    )]
    Address {
        /// What is wrong with it.
        source: Error,
    },
    /// The server could not be reached, or has refused something.
    #[error("{server} can't be used: {source}{}", cure(source))]
    Server {
        /// The server and its database.
        server: String,
        /// What it says.
        source: Error,
    },
}

/// What helps against an error of the server.
fn cure(error: &Error) -> &'static str {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    match (error, code.as_deref()) {
        (Error::Io(_) | Error::PoolTimedOut, _) => {
            " (is it running there, and does it listen on that address?)"
        }
        (_, Some("28P01" | "28000")) => " (look at the user and the password in the address)",
        (_, Some("3D000")) => " (create the database first)",
        (_, Some("42501")) => " (grant the user `CREATE` on the database, or on the schema if it is there)",
        _ => "",
    }
}

impl PostgresOpenError {
    /// What the server said.
    pub(super) fn of(server: &str, source: Error) -> Self {
        Self::Server { server: server.to_owned(), source }
    }
}

/// Settings of a [`PostgresStore`].
#[must_use]
pub struct PostgresStoreBuilder {
    url: Option<String>,
    pool: Option<PgPool>,
    schema: String,
    limits: Limits,
}

impl fmt::Debug for PostgresStoreBuilder {
    /// Without the address, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStoreBuilder")
            .field("schema", &self.schema)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl PostgresStoreBuilder {
    pub(super) fn new() -> Self {
        Self { url: None, pool: None, schema: "refluxo".to_owned(), limits: Limits::default() }
    }

    /// Sets the server's address: `postgres://user:password@host:5432/database`.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Takes connections from this pool; without it the store has one of its own.
    ///
    /// While runs are busy the store keeps up to three of its connections, and takes others for a moment each. Beside them the
    /// store has one connection of its own, made with the pool's options, that listens.
    ///
    /// `Pool::begin` of `sqlx` 0.9 that is dropped halfway leaves its connection in a transaction. So the store looks, at the cost of a round
    /// trip, whenever it takes a connection from this pool, and ends what was left.
    ///
    /// It is a pool of `sqlx` 0.9, with that crate's features `postgres` and `runtime-tokio`. Set its `acquire_timeout`, of 30 seconds,
    /// well below the engine's [lease](crate::engine::EngineBuilder::lease): leases are renewed through the pool, and while the
    /// server is away each of a caller's tries takes that long. The pool that the store makes itself has 10 connections and waits
    /// 5 seconds. A pool that others use up leaves no connection to renew leases with.
    pub fn pool(mut self, pool: PgPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Sets the schema that holds the tables; without it, `refluxo`. It is created if it is not there. Stores with different
    /// schemas know nothing of each other.
    pub fn schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets the bounds of what is kept of one run. All processes on one schema should agree.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Opens the store, and makes its tables if there are none.
    ///
    /// It must be called within a tokio runtime, which the store does its work on.
    ///
    /// # Errors
    ///
    /// As [`PostgresStore::connect`].
    ///
    /// # Cancel safety
    ///
    /// As [`PostgresStore::connect`].
    pub async fn connect(self) -> Result<PostgresStore, PostgresOpenError> {
        let Self { url, pool, schema, limits } = self;
        if schema.is_empty() || schema.len() > LONGEST_NAME || schema.contains('\0') {
            return Err(PostgresOpenError::InvalidSchema { schema });
        }
        let others_borrow = pool.is_some();
        let pool = match (pool, url) {
            (Some(pool), _) => pool,
            (None, Some(url)) => own_pool(&url)?,
            (None, None) => return Err(PostgresOpenError::NoServer),
        };
        let options = (*pool.connect_options()).clone();
        let server = server_of(&options);
        let connection = borrow(&pool, others_borrow).await;
        let mut connection = connection.map_err(|error| PostgresOpenError::of(&server, error))?;
        migrate(&mut connection, &server, &schema).await?;
        drop(connection);
        start(Opened { pool, others_borrow, options, server, schema, limits }).await
    }
}

/// A pool that looks at connections only if they have been idle for a while.
fn own_pool(url: &str) -> Result<PgPool, PostgresOpenError> {
    let options: PgConnectOptions = url.parse().map_err(|source| PostgresOpenError::Address { source })?;
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(5))
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
    Ok(pool.connect_lazy_with(options))
}

/// A schema that is ready.
struct Opened {
    pool: PgPool,
    others_borrow: bool,
    options: PgConnectOptions,
    server: String,
    schema: String,
    limits: Limits,
}

/// Starts to listen.
async fn start(opened: Opened) -> Result<PostgresStore, PostgresOpenError> {
    let Opened { pool, others_borrow, options, server, schema, limits } = opened;
    let hash = blake3::hash(schema.as_bytes());
    let [a, b, c, d, ..] = *hash.as_bytes();
    let lock_class = i32::from_be_bytes([a, b, c, d]);
    let statements = Arc::new(Statements::of(&schema));
    let bells = Arc::new(Bells::new());
    let channel: Arc<str> = format!("refluxo_{}", &hash.to_hex()[..16]).into();
    let sender: Arc<str> = Uuid::new_v4().simple().to_string().into();
    let hearing = Hearing {
        options,
        statements: statements.clone(),
        channel: channel.clone(),
        sender: sender.clone(),
        lock_class,
        bells: bells.clone(),
    };
    let ear =
        hearing.connect(&HashSet::new()).await.map_err(|error| PostgresOpenError::of(&server, error))?;
    let (commands, to_obey) = mpsc::unbounded_channel();
    let runtime = Handle::current();
    runtime.spawn(hearing.run(ear, to_obey));
    let shared = Shared {
        name: format!("PostgreSQL ({server}, schema {schema})").into(),
        pool,
        others_borrow,
        runtime,
        limits,
        statements,
        channel,
        sender,
        lock_class,
        bells,
        sessions: Sessions::new(commands),
        writer: Writer::default(),
    };
    Ok(PostgresStore { handle: Arc::new(shared) })
}

/// The server and its database, as a person would name them.
fn server_of(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or("its default database");
    format!("{}:{}/{database}", options.get_host(), options.get_port())
}
