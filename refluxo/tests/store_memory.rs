//! The memory store passes the conformance suite, with and without handing effects back, and so it does behind a codec.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use refluxo::{
    store::{
        Codec, CodecError, Coded, Limits, MemoryStore, MemoryStoreBuilder, Place, Store, conformance::TestBed,
    },
    time::{ManualClock, Timestamp},
};

/// Lays a stream of bytes over what is kept, another one for each place, so that what is put elsewhere is found out. It keeps the
/// length, since the store counts what it sees.
struct Streamed;

impl Codec for Streamed {
    fn encode(&self, place: &Place<'_>, plain: Bytes) -> Result<Bytes, CodecError> {
        let mut stream = vec![0; plain.len()];
        blake3::Hasher::new().update(&place.associated_data()).finalize_xof().fill(&mut stream);
        Ok(plain.iter().zip(stream).map(|(byte, over)| byte ^ over).collect())
    }

    fn decode(&self, place: &Place<'_>, coded: Bytes) -> Result<Bytes, CodecError> {
        self.encode(place, coded)
    }
}

/// A store whose clock stands in 1999, decades off this machine's.
struct Memory {
    clock: Arc<ManualClock>,
    store: Arc<dyn Store>,
    limits: Limits,
    hands_back: bool,
}

impl Memory {
    fn new(settings: impl FnOnce(MemoryStoreBuilder) -> MemoryStoreBuilder, hands_back: bool) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(915_148_800_000_001)));
        let limits = Limits { inbox_bytes: 1 << 20, history_entries: 1000, ..Limits::default() };
        let store = settings(MemoryStore::builder().clock(clock.clone()).limits(limits)).build();
        Self { clock, store: Arc::new(store), limits, hands_back }
    }

    fn behind_a_codec(self) -> Self {
        Self { store: Arc::new(Coded::new(self.store, Streamed)), ..self }
    }
}

impl TestBed for Memory {
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        Box::pin(async { self.store.clone() })
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

mod effects_applied_behind_a_codec {
    use super::Memory;

    refluxo::conformance_suite!(Memory::new(|settings| settings, false).behind_a_codec());
}

mod effects_handed_back_behind_a_codec {
    use super::Memory;

    refluxo::conformance_suite!(
        Memory::new(refluxo::store::MemoryStoreBuilder::hand_back_effects, true).behind_a_codec()
    );
}
