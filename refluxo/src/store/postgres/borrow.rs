//! Taking a connection from the pool.

use sqlx::{Connection as _, Error, PgConnection, PgPool, Postgres, pool::PoolConnection};

use super::Shared;

impl Shared {
    /// A connection that is in no transaction.
    pub(super) async fn acquire(&self) -> Result<PoolConnection<Postgres>, Error> {
        borrow(&self.pool, self.others_borrow).await
    }
}

/// A connection of this pool that is in no transaction, though others use the pool too.
pub(super) async fn borrow(pool: &PgPool, others_borrow: bool) -> Result<PoolConnection<Postgres>, Error> {
    let mut connection = pool.acquire().await?;
    if others_borrow {
        leave_transaction(&mut connection).await?;
    }
    Ok(connection)
}

/// Ends the transaction that another user of the pool may have left on a connection: `Pool::begin` of sqlx 0.9 that is dropped
/// halfway leaves one, of which sqlx knows nothing (its issue 4393). What is written there would be answered and be gone later.
async fn leave_transaction(connection: &mut PgConnection) -> Result<(), Error> {
    // It begins none, so sqlx says that this has failed, unless there is one.
    let error = match connection.begin_with("SELECT 1").await {
        Ok(left) => return left.rollback().await,
        Err(error) => error,
    };
    let has_failed = error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("25P02"));
    match error {
        Error::BeginFailed => Ok(()),
        _ if has_failed => sqlx::raw_sql("ROLLBACK").execute(connection).await.map(drop),
        error => Err(error),
    }
}
