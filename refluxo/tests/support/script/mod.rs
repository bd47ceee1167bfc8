//! A workflow written out by hand, as the macro would: it follows a script, so that one machine can stand for many.

pub mod expected;
mod steps;

use std::time::Duration;

use refluxo::{
    Local,
    machine::{
        Accepts, BranchEnd, Changes, Description, Graph, Machine, Outcome, StateInfo, Transition, Undoing,
        Undos,
    },
    remove_attribute, set_attribute,
    snapshot::{LoadError, StateReader, StateWriter, deserialize_machine, serialize_machine},
    suspend::{
        Begin, Block, Child, Elapsed, Join, JoinAll, Outcomes, Pending, Select, Signal, Suspend, Timeout,
        TryJoin, signal, sleep, spawn,
    },
    workflow::undoing,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use steps::{Flaky, Note};

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Line {
    /// Runs the step `note` with this text.
    Step(String),
    /// Runs the step `flaky` with this text: it fails so many times before it does what `note` does. There are three attempts, a
    /// second apart.
    Flaky(String, u32),
    /// Sleeps for so many seconds.
    Sleep(u64),
    /// Waits for a `Word`.
    Listen,
    /// Runs another script as a child.
    Child(Vec<Line>),
    /// Runs another script as a run of its own.
    Spawn(Vec<Line>),
    /// Performs a line for so many seconds at most.
    Within(u64, Box<Line>),
    /// Performs branches until all have ended.
    All(Vec<Vec<Line>>),
    /// Performs branches until all have ended, so many at once.
    Some(usize, Vec<Vec<Line>>),
    /// Performs branches until all have ended or one fails.
    Try(Vec<Vec<Line>>),
    /// Performs branches until one has ended.
    Race(Vec<Vec<Line>>),
    /// Has the step `note` undo what was done, with this text.
    Undo(String),
    /// Has the step `flaky` undo what was done.
    UndoFlaky(String, u32),
    /// Has a script undo what was done.
    UndoChild(Vec<Line>),
    /// Sets an attribute.
    Tag(String, i64),
    /// Removes an attribute.
    Untag(String),
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
    /// Whether this is the script of a branch.
    pub branch: bool,
}

/// Branches, each of which is a script.
type Blocks = Vec<Block<Script>>;

/// Writes the machine for these calls.
macro_rules! machine {
    ($($state:ident: $call:ty => $hear:expr;)*) => {
        /// The machine.
        #[derive(Clone, Debug)]
        #[expect(clippy::enum_variant_names, reason = "a child of a workflow is named after it")]
        pub enum Script {
            Start(Locals),
            $($state { call: $call, locals: Locals },)*
        }

        /// What a state waits for with its locals.
        pub enum Frame {
            Start(Locals),
            $($state(Locals),)*
        }

        impl Machine for Script {
            type Output = Told;
            type Frame = Frame;
            const NAME: &'static str = "script";
            const VERSION: u32 = 1;
            const GRAPH: &'static Graph = &Graph {
                states: &[StateInfo { name: "Start", next: &[$(stringify!($state)),*], ends: true, branches: &[] }],
            };

            fn at(&self) -> &'static str {
                match self {
                    Self::Start(_) => "Start",
                    $(Self::$state { .. } => stringify!($state),)*
                }
            }

            fn pending(&self) -> Pending<'_> {
                match self {
                    Self::Start(_) => Pending::Start,
                    $(Self::$state { call, .. } => call.pending(),)*
                }
            }

            fn limit(&self) -> Option<Duration> {
                match self {
                    Self::Start(_) => None,
                    $(Self::$state { call, .. } => Suspend::limit(call),)*
                }
            }

            fn begin(self) -> (Begin, Frame) {
                match self {
                    Self::Start(locals) => (Begin::Start, Frame::Start(locals)),
                    $(Self::$state { call, locals } => (call.begin(), Frame::$state(locals)),)*
                }
            }

            fn resume(frame: Frame, outcome: Outcome, undos: &mut Undos) -> Transition<Self, Told> {
                match frame {
                    Frame::Start(locals) => locals.go_on(undos),
                    $(Frame::$state(locals) => {
                        let hear: fn(<$call as Suspend>::Output) -> Heard = $hear;
                        locals.hear(hear(outcome.take()), undos)
                    })*
                }
            }

            fn undo(name: &str, call: &RawValue) -> Result<Undoing, LoadError> {
                match name {
                    "note" => undoing::<Note>(call, |_| false),
                    "flaky" => undoing::<Flaky>(call, Result::is_err),
                    "script" => undoing::<Child<Self>>(call, Result::is_err),
                    other => Err(LoadError::UnknownUndo { workflow: Self::NAME, name: other.to_owned() }),
                }
            }

            fn encode(&self, writer: &mut StateWriter<'_>) {
                let locals = match self {
                    Self::Start(locals) => locals,
                    $(Self::$state { call, locals } => {
                        writer.field("call", call);
                        locals
                    })*
                };
                locals.encode(writer);
            }

            fn decode(at: &str, mut reader: StateReader<'_>) -> Result<Self, LoadError> {
                let state = match at {
                    "Start" => Self::Start(Locals::decode(&mut reader)?),
                    $(stringify!($state) => {
                        Self::$state { call: reader.field("call")?, locals: Locals::decode(&mut reader)? }
                    })*
                    other => {
                        return Err(LoadError::UnknownState { workflow: Self::NAME, state: other.to_owned() });
                    }
                };
                reader.finish()?;
                Ok(state)
            }

            fn describe(description: &mut Description) {
                $(description.call::<$call>();)*
            }

            fn failed(output: &Told) -> bool {
                refluxo::machine::Verdict(output).failed()
            }
        }
    };
}

/// What a line is told, or the `Err` that it leaves the script with.
pub type Heard = Result<String, String>;

machine! {
    Note: Note => Ok;
    Flaky: Flaky => |told| told;
    Sleep: sleep => |()| Ok("slept".to_owned());
    Word: signal<Word> => |word| Ok(word.0);
    Script: Child<Script> => child;
    Spawned: spawn<Child<Script>> => |id| Ok(format!("spawned {}", id.as_str().len()));
    All: Join<Blocks> => |all| Ok(every(all));
    Some: JoinAll<Block<Script>> => |all| Ok(every(all));
    Try: TryJoin<Blocks> => every_or_failed;
    Race: Select<Blocks> => winner;
    NoteSoon: Timeout<Note> => |told| told.or_else(late);
    SleepSoon: Timeout<sleep> => |told| told.map_or_else(late, |()| Ok("slept".to_owned()));
    WordSoon: Timeout<signal<Word>> => |word| word.map_or_else(late, |word| Ok(word.0));
    ScriptSoon: Timeout<Child<Script>> => |told| told.map_or_else(late, child);
    AllSoon: Timeout<Join<Blocks>> => |all| all.map_or_else(late, |all| Ok(every(all)));
    RaceSoon: Timeout<Select<Blocks>> => |all| all.map_or_else(late, winner);
}

/// A script that has not started.
pub fn script(lines: impl Into<Vec<Line>>) -> Script {
    Script::Start(Locals::of(lines.into(), false))
}

/// Branches that have not started.
fn blocks(branches: Vec<Vec<Line>>) -> Blocks {
    branches.into_iter().map(|lines| Block::new(Script::Start(Locals::of(lines, true)))).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where lines are heard")]
fn late(_: Elapsed) -> Heard {
    Ok("late".to_owned())
}

fn child(told: Told) -> Heard {
    told.map(|told| format!("[{}]", told.join(" ")))
}

/// What a branch gave.
fn branch(local: &Local) -> Told {
    local.get().expect("a branch gives what it was told")
}

/// What all branches gave.
fn every(all: Outcomes) -> String {
    let told = all.all::<Local>();
    let told = told.iter().map(|local| branch(local).unwrap_or_else(|error| vec![error]).join(" "));
    format!("{{{}}}", told.collect::<Vec<_>>().join("|"))
}

fn every_or_failed(mut all: Outcomes) -> Heard {
    match all.winner() {
        Some(failed) => branch(&all.local(failed)).map(|told| told.join(" ")),
        None => Ok(every(all)),
    }
}

fn winner(mut all: Outcomes) -> Heard {
    let winner = all.winner().expect("one has won");
    branch(&all.local(winner)).map(|told| format!("{winner}:{}", told.join(" ")))
}

impl Accepts<Word> for Script {}

impl Locals {
    fn of(lines: Vec<Line>, branch: bool) -> Self {
        Self { lines, next: 0, told: Vec::new(), number: 0.0, branch }
    }

    /// Goes on with the next line, having been told something.
    fn hear(mut self, told: Heard, undos: &mut Undos) -> Transition<Script, Told> {
        match told {
            Ok(told) => {
                self.told.push(told);
                self.go_on(undos)
            }
            Err(error) => self.end(Err(error)),
        }
    }

    /// Goes on with the next line.
    fn go_on(mut self, undos: &mut Undos) -> Transition<Script, Told> {
        let Some(line) = self.lines.get(self.next).cloned() else {
            let told = std::mem::take(&mut self.told);
            return self.end(Ok(told));
        };
        self.next += 1;
        match line {
            Line::Panic => panic!("the script says so"),
            Line::Fail(error) => return self.end(Err(error)),
            Line::Nan => self.number = f64::NAN,
            Line::Undo(text) => undos.push("note", Note { text }),
            Line::UndoFlaky(text, failures) => undos.push("flaky", Flaky { text, failures }),
            Line::UndoChild(lines) => undos.push("script", Child::from(script(lines))),
            Line::Tag(name, value) => set_attribute(name, value),
            Line::Untag(name) => remove_attribute(name),
            other => return Transition::Suspend(self.at(other), Changes::none()),
        }
        self.go_on(undos)
    }

    /// The state that performs a line.
    fn at(self, line: Line) -> Script {
        let locals = self;
        match line {
            Line::Step(text) => Script::Note { call: Note { text }, locals },
            Line::Flaky(text, failures) => Script::Flaky { call: Flaky { text, failures }, locals },
            Line::Sleep(seconds) => Script::Sleep { call: sleep(Duration::from_secs(seconds)), locals },
            Line::Listen => Script::Word { call: signal(), locals },
            Line::Child(lines) => Script::Script { call: script(lines).into(), locals },
            Line::Spawn(lines) => Script::Spawned { call: spawn { workflow: script(lines).into() }, locals },
            Line::All(branches) => Script::All { call: Join::new(blocks(branches)), locals },
            Line::Some(limit, branches) => {
                Script::Some { call: JoinAll::new(blocks(branches), Some(limit)), locals }
            }
            Line::Try(branches) => Script::Try { call: TryJoin::new(blocks(branches)), locals },
            Line::Race(branches) => Script::Race { call: Select::new(blocks(branches)), locals },
            Line::Within(seconds, line) => {
                let limit = Duration::from_secs(seconds);
                match locals.at(*line) {
                    Script::Note { call, locals } => {
                        Script::NoteSoon { call: Timeout { call, limit }, locals }
                    }
                    Script::Sleep { call, locals } => {
                        Script::SleepSoon { call: Timeout { call, limit }, locals }
                    }
                    Script::Word { call, locals } => {
                        Script::WordSoon { call: Timeout { call, limit }, locals }
                    }
                    Script::Script { call, locals } => {
                        Script::ScriptSoon { call: Timeout { call, limit }, locals }
                    }
                    Script::All { call, locals } => Script::AllSoon { call: Timeout { call, limit }, locals },
                    Script::Race { call, locals } => {
                        Script::RaceSoon { call: Timeout { call, limit }, locals }
                    }
                    other => panic!("there is no limit to the time of {}", other.at()),
                }
            }
            Line::Undo(_)
            | Line::UndoFlaky(..)
            | Line::UndoChild(_)
            | Line::Tag(..)
            | Line::Untag(_)
            | Line::Panic
            | Line::Fail(_)
            | Line::Nan => {
                panic!("it is no call")
            }
        }
    }

    /// Ends the script, or the branch.
    fn end(&self, told: Told) -> Transition<Script, Told> {
        if self.branch {
            let failed = told.is_err();
            let write =
                |outcome: &Outcome, out: &mut Vec<u8>| serde_json::to_writer(out, &outcome.get::<Local>());
            Transition::Branch(BranchEnd {
                outcome: Outcome::new(Local::new(told)),
                failed,
                write: Some(write),
            })
        } else {
            Transition::Done(told)
        }
    }

    fn encode(&self, writer: &mut StateWriter<'_>) {
        writer.stable_field(0, "lines", &self.lines);
        writer.field("next", &self.next);
        writer.field("told", &self.told);
        writer.field("number", &self.number);
        writer.field("branch", &self.branch);
    }

    fn decode(reader: &mut StateReader<'_>) -> Result<Self, LoadError> {
        Ok(Self {
            lines: reader.field("lines")?,
            next: reader.field("next")?,
            told: reader.field("told")?,
            number: reader.field("number")?,
            branch: reader.field("branch")?,
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
