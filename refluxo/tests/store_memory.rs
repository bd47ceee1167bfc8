//! The memory store passes the conformance suite, with and without handing effects back.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use refluxo::{
    store::{Limits, MemoryStore, MemoryStoreBuilder, Store, conformance::TestBed},
    time::{ManualClock, Timestamp},
};

/// A store whose clock stands in 1999, decades off this machine's.
struct Memory {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    limits: Limits,
    hands_back: bool,
}

impl Memory {
    fn new(settings: impl FnOnce(MemoryStoreBuilder) -> MemoryStoreBuilder, hands_back: bool) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(915_148_800_000_001)));
        let limits = Limits { inbox_bytes: 1 << 20, history_entries: 1000, ..Limits::default() };
        let store = settings(MemoryStore::builder().clock(clock.clone()).limits(limits)).build();
        Self { clock, store, limits, hands_back }
    }
}

impl TestBed for Memory {
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async { Arc::new(self.store.clone()) as Arc<dyn Store> })
    }

    fn pass(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.clock.advance(duration);
        Box::pin(async {})
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn applies_effects(&self) -> bool {
        !self.hands_back
    }
}

mod effects_applied {
    use super::Memory;

    refluxo::conformance_suite!(Memory::new(|settings| settings, false));
}

mod effects_handed_back {
    use super::Memory;

    refluxo::conformance_suite!(Memory::new(refluxo::store::MemoryStoreBuilder::hand_back_effects, true));
}
