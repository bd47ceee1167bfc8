//! What the engine's tests share.
#![allow(dead_code, unreachable_pub, reason = "each test file includes it and uses a part of it")]

pub mod clocked;
pub mod faulty;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod random;
pub mod script;
pub mod world;

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use refluxo::{
    Engine, MemoryStore, SqliteStore,
    engine::EngineBuilder,
    store::{Store, Synchronous},
    time::{ManualClock, Timestamp},
};
use tempfile::TempDir;

use self::{
    script::{Line, Script},
    world::World,
};

/// A place for runs, its clock and the world: what outlives an engine.
pub struct Place {
    pub clock: Arc<ManualClock>,
    pub world: World,
    ground: Ground,
}

/// Where a place keeps its runs.
enum Ground {
    Memory {
        store: MemoryStore,
        hands_back: bool,
    },
    Sqlite(TempDir),
    #[cfg(feature = "postgres")]
    Postgres(Arc<postgres::StoppedSchema>),
}

impl Place {
    /// In memory.
    pub fn memory() -> Self {
        let clock = clock();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        Self { clock, world: World::new(), ground: Ground::Memory { store, hands_back: false } }
    }

    /// In memory, but effects are left to the holders of runs.
    pub fn handing_back() -> Self {
        let clock = clock();
        let store = MemoryStore::builder().clock(clock.clone()).hand_back_effects().build();
        Self { clock, world: World::new(), ground: Ground::Memory { store, hands_back: true } }
    }

    /// In a file.
    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a folder");
        Self { clock: clock(), world: World::new(), ground: Ground::Sqlite(folder) }
    }

    /// In a schema of a server.
    #[cfg(feature = "postgres")]
    pub fn postgres() -> Self {
        let clock = clock();
        let ground = Ground::Postgres(postgres::StoppedSchema::new(&clock));
        Self { clock, world: World::new(), ground }
    }

    /// Another place of the same kind.
    pub fn another(&self) -> Self {
        match &self.ground {
            Ground::Memory { hands_back: false, .. } => Self::memory(),
            Ground::Memory { hands_back: true, .. } => Self::handing_back(),
            Ground::Sqlite(_) => Self::sqlite(),
            #[cfg(feature = "postgres")]
            Ground::Postgres(_) => Self::postgres(),
        }
    }

    /// How many operations apart a worker is to die that is to die everywhere: what is dear is not done for each.
    pub fn stride(&self) -> u32 {
        match self.ground {
            Ground::Memory { .. } | Ground::Sqlite(_) => 1,
            #[cfg(feature = "postgres")]
            Ground::Postgres(_) => 4,
        }
    }

    /// The store, opened anew where it can be.
    pub async fn store(&self) -> Arc<dyn Store> {
        match &self.ground {
            Ground::Memory { store, .. } => Arc::new(store.clone()),
            Ground::Sqlite(folder) => {
                let builder = SqliteStore::builder(folder.path().join("runs.db")).clock(self.clock.clone());
                // No test cuts the power.
                Arc::new(builder.synchronous(Synchronous::Off).open().await.expect("the file can be opened"))
            }
            #[cfg(feature = "postgres")]
            Ground::Postgres(schema) => {
                Arc::new(clocked::Clocked::new(schema.open(&self.clock).await, self.clock.clone()))
            }
        }
    }

    /// The file in which the runs are.
    pub fn file(&self) -> PathBuf {
        let Ground::Sqlite(folder) = &self.ground else { panic!("there is no file") };
        folder.path().join("runs.db")
    }

    /// An engine here.
    pub async fn engine(&self) -> Engine {
        build(self.builder(self.store().await)).await
    }

    /// An engine here whose leases outlast a test, however fast time passes.
    pub async fn patient_engine(&self) -> Engine {
        build(self.builder(self.store().await).lease(Duration::from_secs(1_000_000))).await
    }

    /// What an engine here is built from.
    pub fn builder(&self, store: impl Store) -> EngineBuilder {
        Engine::builder(store).register::<Script>().provide(self.world.of_the_next_worker())
    }
}

/// Builds an engine that has all that it needs.
pub async fn build(builder: EngineBuilder) -> Engine {
    builder.build().await.expect("the engine has all that it needs")
}

/// A clock that stands.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000)))
}

/// A step of a script.
pub fn step(text: &str) -> Line {
    Line::Step(text.to_owned())
}

/// Fails a test that hangs.
pub async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("this takes no minute")
}

/// Lets time pass while something happens: a tenth of a second of the store's time with each millisecond.
pub async fn passing<T>(place: &Place, future: impl Future<Output = T>) -> T {
    let time = async {
        loop {
            tokio::time::sleep(Duration::from_millis(1)).await;
            place.clock.advance(Duration::from_millis(100));
        }
    };
    tokio::select! {
        value = soon(future) => value,
        () = time => unreachable!("time does not end"),
    }
}

/// Lets a worker work until that is done, or until it has died, while time passes.
pub async fn until_death(place: &Place, died: &AtomicBool, work: impl Future<Output = ()>) {
    let dead = async {
        while !died.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(1)).await;
            place.clock.advance(Duration::from_millis(100));
        }
        // What it does on its own until it needs the store again.
        tokio::time::sleep(Duration::from_millis(3)).await;
    };
    soon(async {
        tokio::select! {
            () = work => {}
            () = dead => {}
        }
    })
    .await;
}

/// Waits until something holds.
pub async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    soon(async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Runs behaviours in every kind of place.
#[macro_export]
macro_rules! everywhere {
    ($($behaviour:ident,)*) => {
        $crate::everywhere!(@place memory: $($behaviour,)*);
        $crate::everywhere!(@place handing_back: $($behaviour,)*);
        $crate::everywhere!(@place sqlite: $($behaviour,)*);
        $crate::everywhere!(@server postgres: $($behaviour,)*);
    };
    (@place $place:ident: $($behaviour:ident,)*) => {
        mod $place {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::$behaviour(super::support::Place::$place()).await;
            })*
        }
    };
    (@server $place:ident: $($behaviour:ident,)*) => {
        #[cfg(feature = "postgres")]
        mod $place {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                if super::support::$place::url().is_some() {
                    super::$behaviour(super::support::Place::$place()).await;
                }
            })*
        }
    };
}
