//! The statements of a store in a bare loop on the same driver.

use std::{hint::black_box, path::Path};

use rusqlite::{Connection, Row, params};

/// What the workflow of the bench `engine` writes with each step, in bytes.
pub(crate) const HEAD: usize = 132;
pub(crate) const STATE: usize = 411;
pub(crate) const ENTRY: usize = 200;

/// A time as the store keeps it: small numbers would take less room.
const NOW: i64 = 1_795_339_135_770_207;

/// A file with the store's tables, and the runs that the loop moves on together: each transaction has a commit of every one.
pub(crate) struct Bare {
    db: Connection,
    /// Their keys and ids.
    runs: Vec<(i64, String)>,
    revision: i64,
    /// How many runs there are in the file.
    created: usize,
}

/// Which commit it is.
#[derive(Clone, Copy)]
enum Kind {
    Step,
    Last,
}

impl Bare {
    /// Opens a file in which a store has made its tables, with `synchronous = FULL`.
    pub(crate) fn open(path: &Path) -> Self {
        let db = Connection::open(path).expect("open");
        db.pragma_update(None, "journal_mode", "WAL").expect("pragma");
        db.pragma_update(None, "synchronous", "FULL").expect("pragma");
        Self { db, runs: Vec::new(), revision: 0, created: 0 }
    }

    /// Creates so many runs in one transaction, which are then the ones that are moved on.
    pub(crate) fn create(&mut self, runs: usize) {
        self.execute("BEGIN IMMEDIATE");
        let first = self.created;
        self.created += runs;
        let ids = (first..self.created).map(|number| format!("order-{number}"));
        let runs = ids.map(|id| (self.insert(&id).expect("insert"), id)).collect();
        self.execute("COMMIT");
        self.runs = runs;
        self.revision = 0;
    }

    /// One step of each run.
    pub(crate) fn step(&mut self) {
        self.transaction(Kind::Step);
    }

    /// The end of each run.
    #[allow(dead_code, reason = "only one of the benches ends runs")]
    pub(crate) fn end(&mut self) {
        self.transaction(Kind::Last);
    }

    /// Reads what each run has come to.
    #[allow(dead_code, reason = "only one of the benches ends runs")]
    pub(crate) fn read(&self) {
        let sql = "SELECT id, uid, root, parent, queue, input, version, status, at, head, revision, due_at, session, claims,
                 inbox_last, inbox_read, created_at, updated_at, ended_at, priority, limit_key,
                 coalesce(blocked_at, paced_at), key, owes, inbox_count,
                 iif(ended_at IS NULL, x'', state) FROM run WHERE id = ?1";
        for (_, id) in &self.runs {
            self.execute("BEGIN");
            let mut read = self.db.prepare_cached(sql).expect("prepare");
            let row = read.query_row([id], |row| Ok((row.get::<_, Vec<u8>>(9)?, row.get::<_, Vec<u8>>(25)?)));
            black_box(row.expect("a run"));
            self.execute("COMMIT");
        }
    }

    fn insert(&self, id: &str) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO run (id, uid, root, parent, queue, input, version, status, at, head, state, due_at, token, session,
                 claims, revision, inbox_last, inbox_read, inbox_count, inbox_bytes, entries, owes, created_at, updated_at,
                 priority, limit_key)
             VALUES (?1, ?2, ?1, NULL, 'checkout', ?3, 1, 'ready', 'Start', ?4, ?5, ?6, ?2, ?2, 1, 0, 0, 0, 0, 0, 0, 0, ?6, ?6,
                 0, NULL)
             ON CONFLICT (id) DO NOTHING";
        let (token, input) = ([1_u8; 16], [0_u8; 32]);
        self.db.prepare_cached(sql)?.execute(params![id, token, input, [b'x'; HEAD], [b'x'; STATE], NOW])?;
        Ok(self.db.last_insert_rowid())
    }

    fn transaction(&mut self, kind: Kind) {
        self.revision += 1;
        self.execute("BEGIN IMMEDIATE");
        self.commits(kind).expect("commits");
        self.execute("COMMIT");
    }

    fn execute(&self, sql: &str) {
        self.db.prepare_cached(sql).and_then(|mut statement| statement.execute([])).expect(sql);
    }

    /// A commit of each run. Each statement is looked up once for all of them.
    fn commits(&self, kind: Kind) -> rusqlite::Result<()> {
        let mut find = self.db.prepare_cached(
            "SELECT key, token, session, due_at, revision, status, version, inbox_last, inbox_read, inbox_count,
                 last_entry, entries, ended_at, owes FROM run WHERE id = ?1",
        )?;
        let mut append = self.db.prepare_cached(
            "INSERT INTO entry (run, prev, revision, at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let (head, state) = ([b'x'; HEAD], [b'x'; STATE]);
        // A run that is over has an empty list of calls, and in place of its state a number.
        let (end, head, state) = match kind {
            Kind::Step => ("", &head[..], &state[..]),
            Kind::Last => (
                ", status = 'completed', version = 1, due_at = NULL, session = NULL, ended_at = ?11",
                &head[..23],
                &state[..2],
            ),
        };
        let mut update = self.db.prepare_cached(&format!(
            "UPDATE run SET claims = 0, at = ?2, head = ?3, state = coalesce(?4, state), revision = ?5, inbox_read = ?6,
                 inbox_count = inbox_count - ?7, inbox_bytes = inbox_bytes - ?8, entries = ?9, last_entry = ?10,
                 updated_at = ?11, owes = ?12 {end}
             WHERE key = ?1",
        ))?;
        let revision = self.revision;
        for (run, id) in &self.runs {
            let last = find.query_row([id], last_entry)?;
            append.execute(params![run, last, revision, NOW, [b'x'; ENTRY]])?;
            let last = self.db.last_insert_rowid();
            update.execute(params![run, "Charge", head, state, revision, 0, 0, 0, revision, last, NOW, 0])?;
            if let Kind::Last = kind {
                let sql = "SELECT queue, limit_key, gated FROM run WHERE key = ?1";
                let limits = self.db.prepare_cached(sql)?.query_row([run], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, bool>(2)?))
                })?;
                black_box(limits);
            }
        }
        Ok(())
    }
}

/// Reads all that a commit needs to know of its run; all but the last entry is known to be right.
fn last_entry(row: &Row<'_>) -> rusqlite::Result<Option<i64>> {
    let leased =
        (row.get::<_, i64>(0)?, row.get::<_, Option<[u8; 16]>>(1)?, row.get::<_, Option<[u8; 16]>>(2)?);
    let stands = (row.get::<_, Option<i64>>(3)?, row.get::<_, i64>(4)?, row.get_ref(5)?.as_str()?);
    let inbox = (row.get::<_, u32>(6)?, row.get::<_, i64>(7)?, row.get::<_, i64>(8)?, row.get::<_, i64>(9)?);
    black_box((leased, stands, inbox));
    black_box((row.get::<_, i64>(11)?, row.get::<_, Option<i64>>(12)?, row.get::<_, bool>(13)?));
    row.get(10)
}
