//! Runs that are started in a transaction of the program's own.

use std::any::Any;

#[cfg(feature = "postgres")]
use futures_util::future::BoxFuture;

use super::{Run, StartError, Starting, start::answered};
use crate::{
    machine::Machine,
    store::{RunId, Start},
    suspend::TransactionType,
};

/// A transaction of the program's own in which a run can be started: what [`Engine::start_in`](super::Engine::start_in) takes.
///
/// On a `SqliteStore` it is a `&rusqlite::Transaction`, or a `&rusqlite::Connection` that is in one, to the
/// store's own file; and in a step with `#[step(transaction)]` its `&SqliteTransaction`. The run is started by the call itself,
/// which awaits nothing: such transactions stay on their thread.
///
/// On a `PostgresStore` it is a `&mut sqlx::PgConnection` or a `&mut sqlx::PgTransaction`, to the store's
/// own database; and in a step its `&mut PostgresTransaction`. The run is started by `.await`.
#[diagnostic::on_unimplemented(
    message = "a run can't be started in a `{Self}`",
    label = "not a transaction of a store",
    note = "it is a `&rusqlite::Transaction`, a `&rusqlite::Connection`, a `&mut sqlx::PgTransaction` or a `&mut sqlx::PgConnection`"
)]
pub trait UserTransaction: Sized {
    /// The run, or its future.
    type Started<W: Machine>;

    /// Starts a run.
    #[doc(hidden)]
    fn start<W: Machine>(self, starting: Starting<W>) -> Self::Started<W>;
}

impl<W: Machine> Starting<W> {
    /// Has the run be there if this transaction is committed, and never if it is not: see [`Engine::start_in`](super::Engine::start_in).
    pub fn within<T: UserTransaction>(self, transaction: T) -> T::Started<W> {
        transaction.start(self)
    }

    /// Starts the run in a transaction that is open on a connection whose calls block.
    #[cfg(feature = "sqlite")]
    fn start_blocking<C: Any>(self, connection: &C) -> Result<Run<W>, StartError> {
        let (id, _) = self.checked()?;
        let shared = self.engine.shared();
        self.check_connection::<C>(&id)?;
        let start = self.when.later(shared.now()).map_or(Start::Now, Start::At);
        let (_, new_run) = self.newborn(&id, start)?;
        let answer = shared.store.create_in_blocking(connection, new_run);
        let created = answer
            .map_err(|cause| StartError::Store { id: id.clone(), cause })
            .map(|answer| shared.time.note(answer))?;
        answered(&id, W::NAME, created)?;
        Ok(Run::new(self.engine, id))
    }

    /// Starts the run in a transaction that is open on a connection to a server.
    #[cfg(feature = "postgres")]
    async fn start_async<C: Any + Send>(self, connection: &mut C) -> Result<Run<W>, StartError> {
        let (id, _) = self.checked()?;
        let shared = self.engine.shared();
        self.check_connection::<C>(&id)?;
        let failed = |cause| StartError::Store { id: id.clone(), cause };
        let now = if self.when.counts_from_now() {
            shared.asked_now().await.map_err(failed)?
        } else {
            shared.now()
        };
        let start = self.when.later(now).map_or(Start::Now, Start::At);
        let (_, new_run) = self.newborn(&id, start)?;
        let created = shared.store.create_in(connection, new_run).await.map_err(failed)?;
        answered(&id, W::NAME, shared.time.note(created))?;
        Ok(Run::new(self.engine, id))
    }

    /// Whether the store takes connections of this type.
    fn check_connection<C: Any>(&self, id: &RunId) -> Result<(), StartError> {
        let store = &self.engine.shared().store;
        let (given, known) = (TransactionType::of::<C>(), [store.connection(), store.transaction()]);
        if known.contains(&Some(given)) {
            return Ok(());
        }
        Err(StartError::Transaction {
            id: id.clone(),
            given: given.name(),
            store: format!("{store:?}"),
            found: known[0].map(|known| known.name()),
        })
    }
}

/// Transactions whose calls block, with the connection that they are on.
#[cfg(feature = "sqlite")]
macro_rules! blocking {
    ($($transaction:ty => |$it:ident| $connection:expr;)*) => {$(
        impl UserTransaction for $transaction {
            type Started<W: Machine> = Result<Run<W>, StartError>;

            fn start<W: Machine>(self, starting: Starting<W>) -> Self::Started<W> {
                let $it = self;
                starting.start_blocking($connection)
            }
        }
    )*};
}

#[cfg(feature = "sqlite")]
blocking! {
    &rusqlite::Connection => |it| it;
    &rusqlite::Transaction<'_> => |it| &**it;
    &mut rusqlite::Transaction<'_> => |it| &**it;
    &crate::SqliteTransaction => |it| it;
    &mut crate::SqliteTransaction => |it| &*it;
}

/// Transactions whose calls are awaited, with the connection that they are on.
#[cfg(feature = "postgres")]
macro_rules! awaited {
    ($($transaction:ty => |$it:ident| $connection:expr;)*) => {$(
        impl<'t> UserTransaction for &'t mut $transaction {
            type Started<W: Machine> = BoxFuture<'t, Result<Run<W>, StartError>>;

            fn start<W: Machine>(self, starting: Starting<W>) -> Self::Started<W> {
                let $it = self;
                let connection: &'t mut sqlx::PgConnection = $connection;
                Box::pin(starting.start_async(connection))
            }
        }
    )*};
}

#[cfg(feature = "postgres")]
awaited! {
    sqlx::PgConnection => |it| it;
    sqlx::Transaction<'_, sqlx::Postgres> => |it| &mut **it;
    crate::PostgresTransaction => |it| &mut **it;
}
