//! What a store would hold of a run.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{
    core::{Plan, Run},
    store::{Due, NewRun, Part, PartOp, Received, Record, Row},
};

/// What a store would hold of a run.
pub(super) struct Stored {
    record: Record,
    parts: BTreeMap<String, Bytes>,
    /// All bytes that were ever written.
    pub(super) written: usize,
}

impl Stored {
    /// A run that was just created.
    pub(super) fn new(run: NewRun) -> Self {
        let row = Row::newborn(&run, Due::Never, super::NOW);
        let parts = run.parts.into_iter().map(|part| (part.name, part.body)).collect();
        let record = Record {
            row,
            state: run.state,
            parts: Vec::new(),
            attributes: Vec::new(),
            inbox: Vec::new(),
            owed: Vec::new(),
        };
        Self { record, parts, written: 0 }
    }

    /// Stores what a plan changes.
    pub(super) fn commit(&mut self, plan: &Plan) {
        let Record { row, state, inbox, .. } = &mut self.record;
        self.written += plan.head.body.len() + plan.entries.iter().map(Bytes::len).sum::<usize>();
        row.head = plan.head.clone();
        row.revision = row.revision.next();
        row.inbox_read = plan.seen;
        if let Some(new) = &plan.state {
            self.written += new.len();
            state.clone_from(new);
        }
        inbox.retain(|message| !plan.consume.contains(&message.seq));
        for op in &plan.parts {
            match op {
                PartOp::Put(Part { name, body }) => {
                    self.written += name.len() + body.len();
                    self.parts.insert(name.clone(), body.clone());
                }
                PartOp::Delete { name } => {
                    self.written += name.len();
                    assert!(self.parts.remove(name).is_some(), "`{name}` is removed and was not there");
                }
            }
        }
    }

    /// Puts a message into the inbox.
    pub(super) fn deliver(&mut self, message: Received) {
        self.record.inbox.push(message);
    }

    /// The run as whoever takes it up would have it.
    pub(super) fn read(&self) -> Run {
        Run::of_record(&self.record()).expect("what is stored can be read")
    }

    /// All that is stored.
    pub(super) fn record(&self) -> Record {
        let parts = self.parts.iter().map(|(name, body)| Part { name: name.clone(), body: body.clone() });
        Record { parts: parts.collect(), ..self.record.clone() }
    }

    /// The names of the parts.
    pub(super) fn parts(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// Panics unless what is stored is the run that is in memory, but for what is in flight and what its holder is set to keep.
    pub(super) fn check(&self, run: &Run) {
        assert_eq!(image(&self.read()), image(run), "what is stored is not what is in memory");
    }
}

/// All of a run that a store holds.
fn image(run: &Run) -> String {
    let mut run = run.clone();
    for path in run.in_flight.clone() {
        run.come_back(&path);
    }
    run.keep_states = 0;
    run.parts.sort();
    format!("{run:#?}")
}
