//! The connection that listens: hints from other processes, and the locks that show that this one lives.

use std::{collections::HashSet, mem, sync::Arc, time::Duration};

use sqlx::{
    AssertSqlSafe, Error, Row as _,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    rows::time,
    sessions::{Command, tell},
    statements::Statements,
};
use crate::store::{RunId, SessionId, SessionWatch, Wake, wake::Bells};

/// How often the locks of other processes are looked at. That reads no table, and is done only while there are some.
const LIVENESS: Duration = Duration::from_millis(500);

/// How often a silent connection is tried.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// How long the server may take for an answer before the connection counts as lost. Less than it waits itself for a silent one,
/// whose locks it then lets go of.
const PATIENCE: Duration = Duration::from_secs(6);

/// How long to wait before connecting again: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// What the listening task knows of its store.
pub(super) struct Hearing {
    pub(super) options: PgConnectOptions,
    pub(super) statements: Arc<Statements>,
    pub(super) channel: Arc<str>,
    /// The name of this store in notifications.
    pub(super) sender: Arc<str>,
    pub(super) lock_class: i32,
    pub(super) bells: Arc<Bells>,
}

/// A connection that listens, with what it knows of others.
pub(super) struct Ear {
    listener: PgListener,
    /// The locks of other processes' sessions.
    others: HashSet<i64>,
    /// Whether one of them may have gone unseen.
    missed: bool,
    look_at: Instant,
}

/// How listening has ended.
enum End {
    StoreDropped,
    Lost(Error),
}

impl Hearing {
    /// Connects and takes the locks of the sessions that are held.
    pub(super) async fn connect(&self, held: &HashSet<SessionId>) -> Result<Ear, Error> {
        // A pool of its own, since a connection from the user's would come back to it with the locks.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .max_lifetime(None)
            .idle_timeout(None)
            .acquire_timeout(PATIENCE);
        let pool = pool.connect_lazy_with(self.options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        listener.eager_reconnect(false);
        // So that the server soon lets go of the locks of a machine that is gone.
        sqlx::raw_sql(
            "SET tcp_keepalives_idle = 4; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3",
        )
        .execute(&mut listener)
        .await?;
        listener.listen(&self.channel).await?;
        let mut ear = Ear { listener, others: HashSet::new(), missed: false, look_at: Instant::now() };
        for session in held {
            self.lock(&mut ear, *session).await?;
        }
        self.look(&mut ear).await?;
        Ok(ear)
    }

    /// Takes a session's lock and tells the others that there is one.
    async fn lock(&self, ear: &mut Ear, session: SessionId) -> Result<(), Error> {
        let lock = sqlx::query(AssertSqlSafe(self.statements.hold.clone()))
            .bind(self.lock_class)
            .bind(session.as_u128().to_be_bytes())
            .bind(&*self.channel)
            .bind(format!("{}\ns", self.sender));
        patiently(lock.execute(&mut ear.listener)).await.map(drop)
    }

    async fn unlock(&self, ear: &mut Ear, session: SessionId) -> Result<(), Error> {
        let unlock = sqlx::query(AssertSqlSafe(self.statements.release.clone()))
            .bind(self.lock_class)
            .bind(session.as_u128().to_be_bytes());
        patiently(unlock.execute(&mut ear.listener)).await.map(drop)
    }

    /// Looks at the locks of other processes, and rings if one is gone: whoever claims next takes over what it held.
    async fn look(&self, ear: &mut Ear) -> Result<(), Error> {
        let look = sqlx::query(AssertSqlSafe(self.statements.look.clone())).bind(self.lock_class);
        let rows = patiently(look.fetch_all(&mut ear.listener)).await?;
        let first = rows.first().ok_or(Error::RowNotFound)?;
        let they_tell: bool = first.try_get(0)?;
        let found = rows.iter().map(|row| row.try_get(1));
        let found = found.filter_map(Result::transpose).collect::<Result<HashSet<i64>, _>>()?;
        let watches = !(they_tell && found.is_empty());
        ear.missed |= !they_tell || !ear.others.is_subset(&found);
        ear.others = found;
        if they_tell && mem::take(&mut ear.missed) {
            self.bells.ring([Wake::Any]);
        }
        ear.look_at = Instant::now() + if watches { LIVENESS } else { HEARTBEAT };
        Ok(())
    }

    /// Passes a notification on, unless this store has sent it.
    fn hear(&self, ear: &mut Ear, payload: &str) {
        let mut lines = payload.lines();
        if lines.next() == Some(&*self.sender) {
            return;
        }
        let mut wakes = Vec::new();
        for line in lines {
            if line == "s" {
                ear.look_at = Instant::now();
            } else {
                wakes.push(parse_ring(line));
            }
        }
        self.bells.ring(wakes);
    }

    /// Listens until the store is dropped, whatever becomes of the connection.
    pub(super) async fn run(self, ear: Ear, mut commands: mpsc::UnboundedReceiver<Command>) {
        let mut held = HashSet::new();
        let mut ear = Some(ear);
        let mut backoff = BACKOFF.0;
        loop {
            if let Some(connected) = ear.take() {
                tell(&held, SessionWatch::show);
                match self.serve(connected, &mut commands, &mut held).await {
                    End::StoreDropped => return,
                    End::Lost(error) => tracing::warn!(%error, "the connection that listens is lost"),
                }
                // With it went the locks by which others see that the sessions live.
                tell(&held, SessionWatch::hide);
            }
            sleep(backoff).await;
            backoff = BACKOFF.1.min(backoff * 2);
            while let Ok(command) = commands.try_recv() {
                // Who wants to hold one asks again.
                if let Command::Release(session) = command {
                    held.remove(&session);
                }
            }
            if commands.is_closed() {
                return;
            }
            if let Ok(connected) = self.connect(&held).await {
                backoff = BACKOFF.0;
                ear = Some(connected);
                // Nobody knows what was missed.
                self.bells.ring([Wake::Any]);
            }
        }
    }

    /// Listens until the connection is lost.
    async fn serve(
        &self,
        mut ear: Ear,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        held: &mut HashSet<SessionId>,
    ) -> End {
        loop {
            let look_at = ear.look_at;
            let result = tokio::select! {
                heard = ear.listener.try_recv() => match heard {
                    Ok(Some(notification)) => {
                        self.hear(&mut ear, notification.payload());
                        Ok(())
                    }
                    Ok(None) => return End::Lost(Error::WorkerCrashed),
                    Err(error) => Err(error),
                },
                command = commands.recv() => match command {
                    None => return End::StoreDropped,
                    Some(command) => self.obey(&mut ear, held, command).await,
                },
                () = sleep_until(look_at) => self.look(&mut ear).await,
            };
            if let Err(error) = result {
                return End::Lost(error);
            }
        }
    }

    async fn obey(
        &self,
        ear: &mut Ear,
        held: &mut HashSet<SessionId>,
        command: Command,
    ) -> Result<(), Error> {
        match command {
            Command::Hold(session, reply) => {
                if held.insert(session) {
                    self.lock(ear, session).await?;
                }
                // Whoever asked may have lost patience.
                let _ = reply.send(());
                Ok(())
            }
            Command::Release(session) if held.remove(&session) => self.unlock(ear, session).await,
            Command::Release(_) => Ok(()),
        }
    }
}

/// Waits for an answer as long as a living server may take.
async fn patiently<T>(answer: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(PATIENCE, answer).await.unwrap_or(Err(Error::PoolTimedOut))
}

/// What `ring` in the schema was given.
pub(super) fn parse_rings(rings: &[String]) -> Vec<Wake> {
    rings.iter().map(|ring| parse_ring(ring)).collect()
}

fn parse_ring(ring: &str) -> Wake {
    let run = |id: &str, wake: fn(RunId) -> Wake| RunId::new(id).map_or(Wake::Any, wake);
    match ring.split_at_checked(1) {
        Some(("d", micros)) => micros.parse().map_or(Wake::Any, |micros| Wake::Due(time(micros))),
        Some(("b", id)) => run(id, Wake::Bell),
        Some(("e", id)) => run(id, Wake::Ended),
        _ => Wake::Any,
    }
}
