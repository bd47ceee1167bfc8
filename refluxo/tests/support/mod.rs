//! What the engine's tests share.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod script;
pub mod world;

use std::{future::Future, sync::Arc, time::Duration};

use refluxo::{
    Engine, MemoryStore,
    store::Store,
    time::{ManualClock, Timestamp},
};

use self::{
    script::{Line, Script},
    world::World,
};

/// A store, its clock and the world: what outlives an engine.
pub struct Place {
    pub clock: Arc<ManualClock>,
    pub world: World,
    pub store: Arc<dyn Store>,
}

impl Place {
    /// A place with a store in memory.
    pub fn memory() -> Self {
        let clock = clock();
        let store = MemoryStore::builder().clock(clock.clone()).build();
        Self { clock, world: World::new(), store: Arc::new(store) }
    }

    /// A place with a store in memory that leaves effects to the holders of runs.
    pub fn handing_back() -> Self {
        let clock = clock();
        let store = MemoryStore::builder().clock(clock.clone()).hand_back_effects().build();
        Self { clock, world: World::new(), store: Arc::new(store) }
    }

    /// An engine here.
    pub async fn engine(&self) -> Engine {
        self.engine_on(self.store.clone()).await
    }

    /// An engine here whose store may differ.
    pub async fn engine_on(&self, store: impl Store) -> Engine {
        Engine::builder(store)
            .register::<Script>()
            .provide(self.world.clone())
            .build()
            .await
            .expect("the engine has all that it needs")
    }
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
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("this takes no 20 seconds")
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
