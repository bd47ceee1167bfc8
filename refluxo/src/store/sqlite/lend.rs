//! `claim` and `renew`.

use std::time::Duration;

use rusqlite::params;
use tokio::sync::oneshot;

use super::{
    gates::{self, Candidate, LetGo, let_through, room},
    idle::{self, Idle, file_version},
    rates,
    read::load_record,
    rows::{count, optional_time, run_id, time},
    statement::{all, one, run},
    task::{Answer, Job, Plain, Task, Work},
    tx::Tx,
};
use crate::{
    store::{
        Claim, Claimed, Depth, Lease, Operation, Record, Renewed, Revision, RunId, Session, SessionId, Token,
        Wake, Want,
    },
    time::Timestamp,
};

/// A session's lock file can't be made.
#[derive(Debug, thiserror::Error)]
#[error("the lock file of a worker's session can't be made beside the database: {0}")]
struct NoLockFile(#[source] std::io::Error);

/// A lease under a new token, to be written to the run.
pub(super) fn new_lease(
    tx: &Tx<'_>,
    run: RunId,
    revision: Revision,
    session: &Session,
    until: Timestamp,
) -> rusqlite::Result<Lease> {
    let locked = tx.shared.sessions.hold(session);
    // rusqlite has no other place for an error that is not its own.
    locked.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(NoLockFile(error))))?;
    Ok(Lease { run, token: Token::random(), revision, until })
}

/// A claim, which mostly finds nothing.
pub(super) struct Claiming(pub(super) Claim);

impl Job for Claiming {
    type Output = Claimed;

    fn run(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<Claimed> {
        claim(tx, &self.0)
    }

    fn peek(&mut self, tx: &mut Tx<'_>) -> rusqlite::Result<Option<Claimed>> {
        claim_nothing(tx, &self.0)
    }

    fn needs_listener() -> bool {
        true
    }

    fn take_back(claimed: Claimed) -> Option<Box<dyn Work>> {
        let leases: Vec<Lease> = claimed.runs.into_iter().map(|(lease, _)| lease).collect();
        if leases.is_empty() {
            return None;
        }
        let job = Plain(move |tx: &mut Tx<'_>| leases.iter().map(|lease| release(tx, lease)).collect());
        let (reply, _) = oneshot::channel::<Answer<Vec<Renewed>>>();
        Some(Box::new(Task { operation: Operation::Renew, durable: false, job, output: None, reply }))
    }
}

/// Takes due runs.
fn claim(tx: &mut Tx<'_>, claim: &Claim) -> rusqlite::Result<Claimed> {
    for session in sessions(tx)?.into_iter().filter(|session| tx.shared.sessions.is_over(*session)) {
        free(tx, session)?;
    }
    let mut runs = Vec::new();
    for want in &claim.wants {
        let slots = want.slots.min(claim.limit.saturating_sub(length(&runs)));
        let mut room = room(tx, want, slots)?;
        let mut starts = rates::starts(tx, want)?;
        let mut blocked = 0;
        // Again, as long as runs that were found become blocked and leave their places to others.
        while room > 0 && blocked < MOST_BLOCKED {
            rates::let_begin(tx, want, room.min(starts))?;
            let found = due_runs(tx, want, room)?;
            let before = blocked;
            for due in found {
                match take(tx, claim, want, due, &mut starts)? {
                    Some(taken) => {
                        runs.push(taken);
                        room -= 1;
                    }
                    None => blocked += 1,
                }
            }
            if blocked == before {
                break;
            }
        }
        if want.gate.rate.is_some() && blocked > 0 {
            rates::tell(tx, want)?;
        }
    }
    Ok(Claimed { runs, next_due: next_due(tx, claim)? })
}

/// How many runs one claim blocks of a workflow: it must not take long, and the next one goes on.
const MOST_BLOCKED: u32 = 1_000;

/// Makes the runs of a session that is over due at once.
fn free(tx: &mut Tx<'_>, session: SessionId) -> rusqlite::Result<()> {
    let id = session.as_u128().to_be_bytes();
    let let_go = gates::of_session(tx, id)?;
    let sql = "UPDATE run SET session = NULL, due_at = ?2 WHERE session = ?1";
    run(tx.db, sql, params![id, tx.now.as_micros()])?;
    let_go.iter().try_for_each(|run| run.follow(tx))
}

/// A run that is due.
struct DueRun {
    key: i64,
    id: RunId,
    revision: Revision,
    limit_key: Option<String>,
    /// Whether it has not begun, as far as a rate is concerned.
    is_new: bool,
}

/// Lends a run that is due, or blocks it. So many may begin.
fn take(
    tx: &mut Tx<'_>,
    claim: &Claim,
    want: &Want,
    due: DueRun,
    starts: &mut u32,
) -> rusqlite::Result<Option<(Lease, Record)>> {
    let DueRun { key, id, revision, limit_key, is_new } = due;
    let begins = is_new && want.gate.rate.is_some();
    if begins && *starts == 0 {
        rates::hold_back(tx, want, key, limit_key.as_deref())?;
        return Ok(None);
    }
    let candidate = Candidate { run: key, want, limit_key: limit_key.as_deref() };
    let (has_place, has_another) = candidate.places(tx)?;
    if !has_place {
        candidate.block(tx)?;
        return Ok(None);
    }
    let lease = new_lease(tx, id, revision, &claim.session, tx.now.saturating_add(claim.keep))?;
    lend(tx, key, &lease, claim.session.id(), candidate.is_gated(), begins)?;
    *starts -= u32::from(begins);
    if let Some(limit_key) = &limit_key
        && has_another
    {
        let_through(tx, &want.queue, limit_key, None)?;
    }
    let record = load_record(tx.db, &lease.run, Depth::All)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    Ok(Some((lease, record)))
}

/// How many there are. No claim asks for more than its number can tell.
fn length<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}

/// Hands a run to a session; tells whether it begins with that, under a rate.
fn lend(
    tx: &Tx<'_>,
    key: i64,
    lease: &Lease,
    session: SessionId,
    gated: bool,
    begins: bool,
) -> rusqlite::Result<usize> {
    let (token, session) = (lease.token.as_u128().to_be_bytes(), session.as_u128().to_be_bytes());
    let begun = begins.then_some(tx.now.as_micros());
    run(
        tx.db,
        "UPDATE run SET token = ?2, session = ?3, due_at = ?4, claims = claims + 1, gated = ?5,
             begun_at = coalesce(?6, nullif(begun_at, -1)) WHERE key = ?1",
        params![key, token, session, lease.until.as_micros(), gated, begun],
    )
}

/// Answers a claim without writing, if there is nothing to take. That is the usual case of a worker that was woken by a
/// hint, and it should not disturb those who write.
fn claim_nothing(tx: &mut Tx<'_>, claim: &Claim) -> rusqlite::Result<Option<Claimed>> {
    let version = file_version(tx.db)?;
    if let Some(claimed) = idle::same_as_before(tx, claim, version) {
        return Ok(Some(claimed));
    }
    let sessions = sessions(tx)?;
    if sessions.iter().any(|session| tx.shared.sessions.is_over(*session)) {
        return Ok(None);
    }
    for want in &claim.wants {
        let slots = claim.limit.min(want.slots).min(1);
        let room = room(tx, want, slots)?;
        let is_next = room > 0 && rates::next_start(tx, want)?.is_some_and(|next| next <= tx.now);
        if is_next || !due_runs(tx, want, room)?.is_empty() {
            return Ok(None);
        }
    }
    let next_due = next_due(tx, claim)?;
    *tx.idle.borrow_mut() = Some(Idle::new(version, claim, next_due, sessions));
    Ok(Some(Claimed { runs: Vec::new(), next_due }))
}

/// The sessions that hold leases.
fn sessions(tx: &Tx<'_>) -> rusqlite::Result<Vec<SessionId>> {
    let mut sessions = Vec::new();
    let mut last = Vec::new();
    // From one session to the next in the index, however many leases each has.
    let sql = "SELECT session FROM run WHERE session > ?1 ORDER BY session LIMIT 1";
    while let Some(found) = one(tx.db, sql, [&last], |row| row.get::<_, [u8; 16]>(0))? {
        sessions.push(SessionId::from_u128(u128::from_be_bytes(found)));
        last = found.to_vec();
    }
    Ok(sessions)
}

/// Up to `limit` runs that are due, those of the highest priority first, and of those the ones that were due first.
fn due_runs(tx: &Tx<'_>, want: &Want, limit: u32) -> rusqlite::Result<Vec<DueRun>> {
    let mut found = Vec::new();
    if limit == 0 {
        return Ok(found);
    }
    for priority in priorities(tx, &want.queue)? {
        let room = limit.saturating_sub(length(&found));
        found.extend(all(
            tx.db,
            "SELECT key, id, revision, limit_key, coalesce(begun_at < 0, revision = 0) FROM run WHERE queue = ?1 AND priority = ?2 AND due_at <= ?3 AND version <= ?4
             ORDER BY due_at LIMIT ?5",
            params![want.queue, priority, tx.now.as_micros(), want.version, room],
            |row| {
                let (id, revision) = (run_id(row, 1)?, Revision(count(row, 2)?));
                Ok(DueRun { key: row.get(0)?, id, revision, limit_key: row.get(3)?, is_new: row.get(4)? })
            },
        )?);
        if length(&found) == limit {
            break;
        }
    }
    Ok(found)
}

/// The priorities that runs of a workflow have which are or will be due, the highest first.
fn priorities(tx: &Tx<'_>, queue: &str) -> rusqlite::Result<Vec<i64>> {
    let mut priorities = Vec::new();
    let mut last = i64::MAX;
    // From one to the next in the index, however many runs have it.
    let sql = "SELECT priority FROM run WHERE queue = ?1 AND priority < ?2 AND due_at IS NOT NULL
         ORDER BY priority DESC LIMIT 1";
    while let Some(found) = one(tx.db, sql, params![queue, last], |row| row.get(0))? {
        priorities.push(found);
        last = found;
    }
    Ok(priorities)
}

/// When the next run is due that the asking session does not hold itself.
fn next_due(tx: &Tx<'_>, claim: &Claim) -> rusqlite::Result<Option<Timestamp>> {
    let asking = claim.session.id().as_u128().to_be_bytes();
    let mut next = None;
    for want in claim.wants.iter().filter(|want| want.slots > 0) {
        if room(tx, want, 1)? == 0 {
            // No more may be lent before a lease ends, or somebody gives one back and tells so.
            let end = one(
                tx.db,
                "SELECT min(due_at) FROM run INDEXED BY run_gated WHERE queue = ?1 AND gated AND session IS NOT NULL AND session <> ?2
                     AND due_at > ?3",
                params![want.queue, asking, tx.now.as_micros()],
                |row| optional_time(row, 0),
            )?;
            next = next.into_iter().chain(end.flatten()).min();
            continue;
        }
        next = next.into_iter().chain(rates::next_start(tx, want)?).min();
        for priority in priorities(tx, &want.queue)? {
            let due = one(
                tx.db,
                "SELECT due_at FROM run WHERE queue = ?1 AND priority = ?2 AND due_at IS NOT NULL AND version <= ?3
                     AND session IS NOT ?4
                 ORDER BY due_at LIMIT 1",
                params![want.queue, priority, want.version, asking],
                |row| time(row, 0),
            )?;
            next = next.into_iter().chain(due).min();
        }
    }
    Ok(next)
}

/// Extends a lease to `keep` from now, or gives it back if that is zero.
pub(super) fn renew(tx: &mut Tx<'_>, lease: &Lease, keep: Duration) -> rusqlite::Result<Renewed> {
    if keep.is_zero() {
        return release(tx, lease);
    }
    let until = tx.now.saturating_add(keep);
    let messages = one(
        tx.db,
        "UPDATE run SET due_at = ?3 WHERE id = ?1 AND token = ?2 AND session IS NOT NULL
         RETURNING inbox_last > inbox_read",
        params![lease.run.as_str(), lease.token.as_u128().to_be_bytes(), until.as_micros()],
        |row| row.get(0),
    )?;
    Ok(messages.map_or(Renewed::Lost, |messages| Renewed::Kept { until, messages }))
}

/// Gives a lease back.
fn release(tx: &mut Tx<'_>, lease: &Lease) -> rusqlite::Result<Renewed> {
    let released = one(
        tx.db,
        "UPDATE run SET due_at = ?3, session = NULL, claims = max(claims - 1, 0)
         WHERE id = ?1 AND token = ?2 AND session IS NOT NULL RETURNING queue, limit_key, gated",
        params![lease.run.as_str(), lease.token.as_u128().to_be_bytes(), tx.now.as_micros()],
        |row| Ok(LetGo { queue: row.get(0)?, limit_key: row.get(1)?, gated: row.get(2)? }),
    )?;
    let Some(released) = released else { return Ok(Renewed::Lost) };
    tx.wakes.push(Wake::Due(tx.now));
    released.follow(tx)?;
    Ok(Renewed::Released)
}
