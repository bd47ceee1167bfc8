//! A workflow written out by hand, as the macro would: it follows a script, so that one machine can stand for many.

use std::{any::Any, sync::Arc, time::Duration};

use refluxo::{
    machine::{Accepts, Changes, Description, Graph, Machine, Outcome, StateInfo, Transition, Undos},
    snapshot::{LoadError, StateReader, StateWriter, deserialize_machine, serialize_machine},
    suspend::{
        Begin, Child, Pending, Resources, Signal, StepContext, StepFuture, StepTask, Suspend, signal, sleep,
    },
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::world::World;

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Line {
    /// Runs the step `note` with this text.
    Step(String),
    /// Sleeps for so many seconds.
    Sleep(u64),
    /// Waits for a `Word`.
    Listen,
    /// Runs another script as a child.
    Child(Vec<Line>),
    /// Panics between two awaits.
    Panic,
    /// Returns an `Err`.
    Fail(String),
    /// Keeps a number that has no JSON.
    Nan,
}

/// What the workflow listens to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Word(pub String);

impl Signal for Word {
    const NAME: &'static str = "Word";
}

/// What a script leaves: everything that it was told, in order.
pub type Told = Result<Vec<String>, String>;

/// What lives across an await.
#[derive(Clone, Debug, PartialEq)]
pub struct Locals {
    /// The whole script: never changes, and may be large.
    pub lines: Vec<Line>,
    /// The line that comes next.
    pub next: usize,
    /// What was told so far.
    pub told: Vec<String>,
    /// A number that may have no JSON.
    pub number: f64,
}

/// The machine.
#[derive(Clone, Debug)]
#[expect(clippy::enum_variant_names, reason = "a child of a workflow is named after it")]
pub enum Script {
    Start(Locals),
    Note { call: Note, locals: Locals },
    Sleep { call: sleep, locals: Locals },
    Word { call: signal<Word>, locals: Locals },
    Script { call: Child<Script>, locals: Locals },
}

/// A script that has not started.
pub fn script(lines: impl Into<Vec<Line>>) -> Script {
    Script::Start(Locals { lines: lines.into(), next: 0, told: Vec::new(), number: 0.0 })
}

/// What a state waits for with its locals.
pub enum Frame {
    Start(Locals),
    Note(Locals),
    Sleep(Locals),
    Word(Locals),
    Script(Locals),
}

impl Machine for Script {
    type Output = Told;
    type Frame = Frame;
    const NAME: &'static str = "script";
    const VERSION: u32 = 1;
    const GRAPH: &'static Graph = &Graph {
        states: &[StateInfo {
            name: "Start",
            next: &["Note", "Sleep", "Word", "Script"],
            ends: true,
            branches: &[],
        }],
    };

    fn at(&self) -> &'static str {
        match self {
            Self::Start(_) => "Start",
            Self::Note { .. } => "Note",
            Self::Sleep { .. } => "Sleep",
            Self::Word { .. } => "Word",
            Self::Script { .. } => "Script",
        }
    }

    fn pending(&self) -> Pending<'_> {
        match self {
            Self::Start(_) => Pending::Start,
            Self::Note { call, .. } => call.pending(),
            Self::Sleep { call, .. } => call.pending(),
            Self::Word { call, .. } => call.pending(),
            Self::Script { call, .. } => call.pending(),
        }
    }

    fn begin(self) -> (Begin, Frame) {
        match self {
            Self::Start(locals) => (Begin::Start, Frame::Start(locals)),
            Self::Note { call, locals } => (call.begin(), Frame::Note(locals)),
            Self::Sleep { call, locals } => (call.begin(), Frame::Sleep(locals)),
            Self::Word { call, locals } => (call.begin(), Frame::Word(locals)),
            Self::Script { call, locals } => (call.begin(), Frame::Script(locals)),
        }
    }

    fn resume(frame: Frame, outcome: Outcome, _: &mut Undos) -> Transition<Self, Told> {
        match frame {
            Frame::Start(locals) => locals.go_on(Changes::none()),
            Frame::Note(locals) => locals.hear(outcome.take()),
            Frame::Sleep(locals) => {
                let () = outcome.take();
                locals.hear("slept".to_owned())
            }
            Frame::Word(locals) => locals.hear(outcome.take::<Word>().0),
            Frame::Script(locals) => match outcome.take::<Told>() {
                Ok(told) => locals.hear(format!("[{}]", told.join(" "))),
                Err(error) => Transition::Done(Err(error)),
            },
        }
    }

    fn encode(&self, writer: &mut StateWriter<'_>) {
        let locals = match self {
            Self::Start(locals) => locals,
            Self::Note { call, locals } => {
                writer.field("call", call);
                locals
            }
            Self::Sleep { call, locals } => {
                writer.field("call", call);
                locals
            }
            Self::Word { call, locals } => {
                writer.field("call", call);
                locals
            }
            Self::Script { call, locals } => {
                writer.field("call", call);
                locals
            }
        };
        writer.stable_field(0, "lines", &locals.lines);
        writer.field("next", &locals.next);
        writer.field("told", &locals.told);
        writer.field("number", &locals.number);
    }

    fn decode(at: &str, mut reader: StateReader<'_>) -> Result<Self, LoadError> {
        let state = match at {
            "Start" => Self::Start(Locals::decode(&mut reader)?),
            "Note" => Self::Note { call: reader.field("call")?, locals: Locals::decode(&mut reader)? },
            "Sleep" => Self::Sleep { call: reader.field("call")?, locals: Locals::decode(&mut reader)? },
            "Word" => Self::Word { call: reader.field("call")?, locals: Locals::decode(&mut reader)? },
            "Script" => Self::Script { call: reader.field("call")?, locals: Locals::decode(&mut reader)? },
            other => return Err(LoadError::UnknownState { workflow: Self::NAME, state: other.to_owned() }),
        };
        reader.finish()?;
        Ok(state)
    }

    fn describe(description: &mut Description) {
        description.call::<Note>();
        description.call::<sleep>();
        description.call::<signal<Word>>();
        description.call::<Child<Self>>();
    }

    fn failed(output: &Told) -> bool {
        refluxo::machine::Verdict(output).failed()
    }
}

impl Accepts<Word> for Script {}

impl Locals {
    /// Goes on with the next line, having been told something.
    fn hear(mut self, told: String) -> Transition<Script, Told> {
        self.told.push(told);
        self.go_on(Changes::none())
    }

    /// Goes on with the next line.
    fn go_on(mut self, changes: Changes) -> Transition<Script, Told> {
        let Some(line) = self.lines.get(self.next).cloned() else { return Transition::Done(Ok(self.told)) };
        self.next += 1;
        let state = match line {
            Line::Step(text) => Script::Note { call: Note { text }, locals: self },
            Line::Sleep(seconds) => Script::Sleep { call: sleep(Duration::from_secs(seconds)), locals: self },
            Line::Listen => Script::Word { call: signal(), locals: self },
            Line::Child(lines) => Script::Script { call: script(lines).into(), locals: self },
            Line::Panic => panic!("the script says so"),
            Line::Fail(error) => return Transition::Done(Err(error)),
            Line::Nan => {
                self.number = f64::NAN;
                return self.go_on(changes);
            }
        };
        Transition::Suspend(state, changes)
    }

    fn decode(reader: &mut StateReader<'_>) -> Result<Self, LoadError> {
        Ok(Self {
            lines: reader.field("lines")?,
            next: reader.field("next")?,
            told: reader.field("told")?,
            number: reader.field("number")?,
        })
    }
}

impl Serialize for Script {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize_machine(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Script {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_machine(deserializer)
    }
}

/// The step `note`: writes its text into the world and gives it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    pub text: String,
}

impl Suspend for Note {
    type Output = String;

    fn pending(&self) -> Pending<'_> {
        Pending::Step { name: "note" }
    }

    fn begin(self) -> Begin {
        Begin::Step(Box::new(NoteTask(self)))
    }

    fn describe(description: &mut Description) {
        description.require::<World>("note");
    }
}

struct NoteTask(Note);

impl StepTask for NoteTask {
    fn name(&self) -> &'static str {
        "note"
    }

    fn run(self: Box<Self>, context: StepContext, resources: Arc<Resources>) -> StepFuture {
        Box::pin(async move {
            let world = resources.get::<World>().clone();
            Outcome::new(world.note(&context, self.0.text).await)
        })
    }

    fn copy(&self) -> Result<Box<dyn StepTask>, serde_json::Error> {
        Ok(Box::new(Self(self.0.clone())))
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }

    fn arguments(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        serde_json::to_writer(out, &self.0)
    }
}

/// What a script is told in the end if every `Listen` hears the words in this order.
pub fn expected(lines: &[Line], words: &mut impl Iterator<Item = String>) -> Told {
    let mut told = Vec::new();
    for line in lines {
        told.push(match line {
            Line::Step(text) => text.clone(),
            Line::Sleep(_) => "slept".to_owned(),
            Line::Listen => words.next().expect("there is a word for each line that listens"),
            Line::Child(lines) => format!("[{}]", expected(lines, words)?.join(" ")),
            Line::Fail(error) => return Err(error.clone()),
            Line::Panic | Line::Nan => panic!("a script that gets stuck has no end"),
        });
    }
    Ok(told)
}
