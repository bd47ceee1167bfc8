//! `claim` and `renew`.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Error, PgConnection, Row as _, postgres::PgRow};
use tokio::sync::oneshot;

use super::{
    Gone, PostgresStore, Shared,
    rows::{RECORD_COLUMNS, list, micros, read_record, time, token},
    sessions::of_this_process,
};
use crate::{
    store::{Claim, Claimed, Due, Lease, Operation, Record, Renewed, Stamped, Store, StoreError, Wake},
    time::Timestamp,
};

/// The longest time that a rate is for: times are added to it.
const LONGEST: Duration = Duration::from_hours(24 * 365 * 1_000);

/// Takes due runs.
pub(super) async fn claim(
    connection: &mut PgConnection,
    shared: &Shared,
    claim: &Claim,
) -> Result<Stamped<Claimed>, Error> {
    let (live, over) = of_this_process();
    let queues: Vec<&str> = claim.wants.iter().map(|want| want.queue.as_str()).collect();
    let versions: Vec<i64> = claim.wants.iter().map(|want| want.version.into()).collect();
    let slots: Vec<i64> = claim.wants.iter().map(|want| want.slots.into()).collect();
    let limit = |limit: Option<u32>| limit.map(i64::from);
    let at_once: Vec<Option<i64>> = claim.wants.iter().map(|want| limit(want.gate.at_once)).collect();
    let per_key: Vec<Option<i64>> = claim.wants.iter().map(|want| limit(want.gate.per_key)).collect();
    let rates = || claim.wants.iter().map(|want| want.gate.rate);
    let starts: Vec<Option<i64>> = rates().map(|rate| limit(rate.map(|rate| rate.starts.get()))).collect();
    let per: Vec<Option<i64>> = rates().map(|rate| rate.map(|rate| micros(rate.per.min(LONGEST)))).collect();
    let mut rows = sqlx::query(AssertSqlSafe(shared.statements.claim.clone()))
        .bind(&*shared.channel)
        .bind(shared.lock_class)
        .bind(claim.session.id().as_u128().to_be_bytes())
        .bind(micros(claim.keep))
        .bind(i64::from(claim.limit))
        .bind(queues)
        .bind(versions)
        .bind(slots)
        .bind(at_once)
        .bind(per_key)
        .bind(starts)
        .bind(per)
        .bind(live)
        .bind(over)
        .fetch_all(connection)
        .await?;
    // The last row holds no run.
    let last = rows.pop().ok_or(Error::RowNotFound)?;
    let now = time(last.try_get(RECORD_COLUMNS)?);
    let next_due = last.try_get::<Option<i64>, _>(RECORD_COLUMNS + 2)?.map(time);
    let runs = rows.iter().map(read_claimed).collect::<Result<_, _>>()?;
    Ok(Stamped { now, value: Claimed { runs, next_due } })
}

fn read_claimed(row: &PgRow) -> Result<(Lease, Record), Error> {
    let record = read_record(row)?;
    let until = match record.row.due {
        Due::Leased { until, .. } => until,
        Due::At(at) => at,
        Due::Never | Due::Blocked { .. } => Timestamp::EPOCH,
    };
    let token = token(row.try_get(RECORD_COLUMNS + 1)?)?;
    let lease = Lease { run: record.row.id.clone(), token, revision: record.row.revision, until };
    Ok((lease, record))
}

/// Extends leases to `keep` from now, or gives them back if that is zero.
pub(super) async fn renew(
    connection: &mut PgConnection,
    shared: &Shared,
    leases: &[Lease],
    keep: Duration,
) -> Result<Stamped<Vec<Renewed>>, Error> {
    let ids: Vec<&str> = leases.iter().map(|lease| lease.run.as_str()).collect();
    let tokens: Vec<[u8; 16]> = leases.iter().map(|lease| lease.token.as_u128().to_be_bytes()).collect();
    let row = sqlx::query(AssertSqlSafe(shared.statements.renew.clone()))
        .bind(&*shared.channel)
        .bind(&*shared.sender)
        .bind(ids)
        .bind(tokens)
        .bind(micros(keep))
        .fetch_one(connection)
        .await?;
    let now = time(row.try_get("renewed_at")?);
    let until = now.saturating_add(keep);
    let outcomes: Vec<i16> = list(&row, "renewed")?;
    let renewed = outcomes.into_iter().map(|outcome| match outcome {
        1 => Renewed::Kept { until, messages: false },
        2 => Renewed::Kept { until, messages: true },
        3 => Renewed::Released,
        _ => Renewed::Lost,
    });
    let value: Vec<Renewed> = renewed.collect();
    if value.contains(&Renewed::Released) {
        shared.bells.ring([Wake::Due(now)]);
    }
    Ok(Stamped { now, value })
}

/// Takes due runs for somebody who may stop waiting for them; then they are given back.
pub(super) async fn claim_for_a_listener(
    store: &PostgresStore,
    wanted: Claim,
) -> Result<Stamped<Claimed>, StoreError> {
    let (reply, claimed) = oneshot::channel();
    let here = store.clone();
    store.handle.runtime.spawn(async move {
        let claimed = here
            .on_connection(Operation::Claim, true, async |connection, shared| {
                claim(connection, shared, &wanted).await
            })
            .await;
        if let Err(Ok(unheard)) = reply.send(claimed) {
            let leases: Vec<Lease> = unheard.value.runs.into_iter().map(|(lease, _)| lease).collect();
            if !leases.is_empty() {
                // If that fails the leases end by themselves.
                drop(here.renew(leases, Duration::ZERO).await);
            }
        }
    });
    claimed.await.unwrap_or_else(|_| Err(StoreError::unknown(&store.handle.name, Operation::Claim, Gone)))
}
