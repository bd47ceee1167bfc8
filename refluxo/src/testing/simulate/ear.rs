//! Hears what the engines log.

use std::{fmt, sync::Arc};

use tracing::{
    Event, Id, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Record},
};

use super::{
    air::Air,
    events::{Detail, Who},
};

/// Hears the errors that are logged on this thread. One that tells of a defect of the engine is what does not hold.
pub(super) struct Ear(pub(super) Arc<Air>);

/// What is logged, in words.
#[derive(Default)]
struct Heard {
    words: String,
    is_defect: bool,
}

impl Subscriber for Ear {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn event(&self, event: &Event<'_>) {
        let mut heard = Heard::default();
        event.record(&mut heard);
        let Heard { words, is_defect } = heard;
        if is_defect {
            self.0.oracle.violate(words);
        } else {
            self.0.oracle.events.tell(Who::World, "hears:", None, Detail::Text(words.into()));
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.is_defect |= field.name() == "defect";
        let words = format!("{} {value:?} ", field.name());
        self.words.push_str(&words);
        self.is_defect |= words.contains("a defect of refluxo");
    }
}
