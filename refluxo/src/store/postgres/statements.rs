//! The statements, with the schema's name in them.

use std::sync::Arc;

use super::rows::COLUMNS;
use crate::store::Depth;

/// The texts of what is sent again and again, so that each connection prepares it once.
pub(super) struct Statements {
    /// The schema's name in quotes.
    pub(super) schema: String,
    pub(super) write: Arc<str>,
    pub(super) claim: Arc<str>,
    pub(super) renew: Arc<str>,
    pub(super) history: Arc<str>,
    /// By the depth, in the order of [`DEPTHS`].
    load: [Arc<str>; 6],
    pub(super) hold: Arc<str>,
    pub(super) release: Arc<str>,
    pub(super) look: Arc<str>,
}

/// All depths.
const DEPTHS: [Depth; 6] = [Depth::Head, Depth::End, Depth::Mail, Depth::State, Depth::All, Depth::Whole];

/// A call of a function of the schema with so many arguments.
fn call(schema: &str, function: &str, arguments: usize) -> Arc<str> {
    let places: Vec<String> = (1..=arguments).map(|place| format!("${place}")).collect();
    format!("SELECT * FROM {schema}.{function}({})", places.join(", ")).into()
}

impl Statements {
    pub(super) fn of(schema: &str) -> Self {
        let schema = quote(schema);
        Self {
            write: call(&schema, "write", 62),
            claim: call(&schema, "claim", 14),
            renew: call(&schema, "renew", 5),
            history: format!(
                "SELECT {schema}.clock(), e.seq, e.revision, e.at, e.body
                 FROM (SELECT 1) one LEFT JOIN (
                     SELECT entry.* FROM {schema}.entry JOIN {schema}.run ON run.key = entry.run
                     WHERE run.id = $1 AND entry.seq < $2 ORDER BY entry.seq DESC LIMIT $3) e ON true
                 ORDER BY e.seq DESC"
            )
            .into(),
            hold: format!("SELECT pg_advisory_lock_shared($1, {schema}.session_lock($2)), pg_notify($3, $4)").into(),
            release: format!("SELECT pg_advisory_unlock_shared($1, {schema}.session_lock($2))").into(),
            // A view on the server's memory. The first row is there also if there is no lock.
            look: format!(
                "SELECT {schema}.locks_tell(), objid::bigint FROM (SELECT 1) one LEFT JOIN pg_locks
                     ON locktype = 'advisory' AND objsubid = 2 AND classid = $1::oid AND pid <> pg_backend_pid()"
            )
            .into(),
            load: DEPTHS.map(|depth| load(&schema, depth)),
            schema,
        }
    }

    /// Reads a run: `$1` is its id.
    pub(super) fn load(&self, depth: Depth) -> Arc<str> {
        let place = DEPTHS.iter().position(|known| *known == depth).unwrap_or(0);
        self.load[place].clone()
    }
}

/// Reads a run to a depth. All of it is one statement, and so as of one moment.
fn load(schema: &str, depth: Depth) -> Arc<str> {
    let has_state = match (depth.has_state(false), depth.has_state(true)) {
        (true, _) => "true",
        (false, true) => "run.ended_at IS NOT NULL",
        (false, false) => "false",
    };
    let (has_inbox, has_owed, has_attributes) = (depth.has_inbox(), depth.has_owed(), depth.has_attributes());
    let attributes = attributes(schema);
    format!(
        "SELECT {COLUMNS}, CASE WHEN {has_state} THEN run.state END, parts.names, parts.bodies, mail.seqs, mail.keys, mail.kinds,
             mail.bodies, mail.ats, debts.revisions, debts.places, debts.effects, {schema}.clock(), {ATTRIBUTE_COLUMNS}
         FROM (SELECT 1) one LEFT JOIN {schema}.run ON run.id = $1
         LEFT JOIN LATERAL (
             SELECT array_agg(name) AS names, array_agg(body) AS bodies
             FROM (SELECT name, body FROM {schema}.part WHERE part.run = run.key ORDER BY name) p) parts ON {has_state}
         LEFT JOIN LATERAL (
             SELECT array_agg(seq) AS seqs, array_agg(i.key) AS keys, array_agg(kind) AS kinds, array_agg(body) AS bodies,
                 array_agg(at) AS ats
             FROM (SELECT seq, inbox.key, kind, body, inbox.at FROM {schema}.inbox
                   WHERE run.inbox_count > 0 AND inbox.run = run.key AND until IS NULL ORDER BY seq) i) mail ON {has_inbox}
         LEFT JOIN LATERAL (
             SELECT array_agg(revision) AS revisions, array_agg(place) AS places, array_agg(effect) AS effects
             FROM (SELECT owed.revision, owed.place, effect FROM {schema}.owed
                   WHERE run.owes AND owed.run = run.key ORDER BY owed.revision, owed.place) o) debts ON {has_owed}
         LEFT JOIN LATERAL ({attributes}) found ON {has_attributes}"
    )
    .into()
}

/// What [`read_attributes`](super::rows::read_attributes) reads.
pub(super) const ATTRIBUTE_COLUMNS: &str = "found.names, found.texts, found.numbers";

/// What a row of `run` can be found by, as arrays in the order of the names.
pub(super) fn attributes(schema: &str) -> String {
    format!(
        "SELECT array_agg(name) AS names, array_agg(text) AS texts, array_agg(number) AS numbers
         FROM (SELECT name, text, number FROM {schema}.attribute WHERE attribute.run = run.key ORDER BY name) a"
    )
}

/// A name as SQL takes it, whatever is in it.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
