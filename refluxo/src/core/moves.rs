//! The outcomes of calls came, and the workflow's code ran.

use std::borrow::Cow;

use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Again, Cause, Impossible, Move, Plan, Pushed, Run, To, TooLarge,
    draft::Draft,
    enter::{Entering, Opened, encode, encode_whole},
    entry::{Came, StoryOutcome},
    letter::Verb,
    run::Life,
    size::Fields,
};
use crate::{
    engine::AnyMachine,
    local::Local,
    snapshot::{
        Call, Encoded, ParkReason, Path, Retrying, SaveError, WaitingFor,
        parts::{self, UndoEntry},
    },
    store::{AttrOp, Attribute, Effect, Part, PartOp},
    time::Timestamp,
};

/// A move with all that it saves. That is made before any of the moves is applied: what can't be saved leaves the run where
/// it was.
struct Saved {
    path: Path,
    leaf: Path,
    cause: Cause,
    to: SavedTo,
    /// What the error says, if the outcome is one.
    words: Option<String>,
    /// What its code pushed on the undo stack.
    pushed: Vec<(&'static str, Bytes)>,
    /// What its code changed of the run's attributes.
    attributes: Vec<AttrOp>,
}

/// What a move saves.
enum SavedTo {
    /// The root's new state; once more as a whole, if it is kept.
    Root { at: String, version: u32, state: Encoded, whole: Option<Bytes>, entered: Entered },
    /// A branch's new state.
    Branch { at: String, fields: Bytes, entered: Entered },
    /// What a branch gave, and the branch that starts in its place.
    BranchEnd { output: Bytes, failed: bool, started: Option<u32>, entered: Entered },
    /// What the function returned.
    Returned { output: Bytes, failed: bool },
    /// Nothing.
    Again(Again),
}

/// The calls that a move enters.
#[derive(Default)]
struct Entered {
    calls: Vec<Opened>,
    effects: Vec<Effect>,
}

/// The calls that a move leaves, with their paths.
type Left = Vec<(Path, Call)>;

impl Run {
    /// Applies moves, one after another, up to one that can't be saved. The run gets stuck there: at once if it is the first.
    pub(super) fn moved(
        mut self,
        moves: Vec<Move<'_>>,
        pushed: &[Pushed<'_>],
        now: Timestamp,
    ) -> Result<(Self, Plan), Impossible> {
        let mut draft = Draft::default();
        let mut saved = Vec::with_capacity(moves.len());
        let mut pushed = pushed.iter().peekable();
        for (number, one) in moves.into_iter().enumerate() {
            let leaf = one.leaf.clone();
            let pushed = std::iter::from_fn(|| pushed.next_if(|call| call.by == number));
            match self.save(one, pushed, now) {
                Ok(one) => saved.push(one),
                Err(error) if saved.is_empty() => return self.park(&leaf, unsaved(&error), now),
                Err(error) => {
                    draft.stuck = Some((leaf, unsaved(&error)));
                    break;
                }
            }
        }
        draft.moved = saved.len();
        for one in saved {
            self.make(&mut draft, one, now)?;
        }
        self.seal(draft, now)
    }

    /// Puts calls on the undo stack.
    fn push(&mut self, draft: &mut Draft, calls: Vec<(&'static str, Bytes)>) {
        for (name, body) in calls {
            self.put(draft, parts::undo(self.undo.len()), body);
            self.undo.push(Cow::Borrowed(name));
        }
    }

    /// A move with all that it saves.
    fn save<'a>(
        &self,
        one: Move<'_>,
        pushed: impl Iterator<Item = &'a Pushed<'a>>,
        now: Timestamp,
    ) -> Result<Saved, SaveError> {
        let Move { path, leaf, cause, to, words, attributes } = one;
        let to = match to {
            To::Suspended { machine, changes } => {
                let at = machine.at().to_owned();
                let mut entering = self.entering(now);
                entering.enter(&path, machine)?;
                let entered = Entered::of(entering);
                if path.is_root() {
                    let state = encode(machine, changes, &self.parts)?;
                    let whole = (self.keep_states > 0).then(|| encode_whole(machine)).transpose()?;
                    SavedTo::Root { at, version: machine.version(), state, whole, entered }
                } else {
                    SavedTo::Branch { at, fields: encode_whole(machine)?, entered }
                }
            }
            To::Ended { output, failed, next } => SavedTo::BranchEnd {
                output: Bytes::copy_from_slice(output),
                failed,
                started: next.map(|(number, _)| number),
                entered: match next {
                    Some((number, machine)) => self.enter_next(&path, number, machine, now)?,
                    None => Entered::default(),
                },
            },
            To::Returned { output, failed } => {
                let mut json = Vec::new();
                let workflow = &self.identity.workflow;
                let unsaved = |cause| SaveError::Output { workflow: workflow.to_string(), cause };
                output.write(&mut json).map_err(unsaved)?;
                SavedTo::Returned { output: json.into(), failed }
            }
            To::Again(again) => SavedTo::Again(again),
        };
        let pushed = pushed.map(|one| Ok((one.name, self.save_undo(one.name, one.call)?)));
        let pushed = pushed.collect::<Result<_, SaveError>>()?;
        let words = words.map(str::to_owned);
        let attributes = self.save_attributes(attributes)?;
        let saved = Saved { path, leaf, cause, to, words, pushed, attributes };
        self.check_size(&saved)?;
        Ok(saved)
    }

    /// Refuses what is larger than the engine allows.
    fn check_size(&self, saved: &Saved) -> Result<(), TooLarge> {
        let limit = self.limit;
        match &saved.to {
            SavedTo::Root { at, state, .. } => {
                let parts = state.parts.iter().map(|(name, body)| (*name, body.len()));
                limit.check_fields(Fields::State(at), &state.document, parts)?;
            }
            SavedTo::Branch { at, fields, .. } => limit.check_fields(Fields::State(at), fields, [])?,
            SavedTo::BranchEnd { output, .. } => {
                limit.check(output.len(), || format!("the output of the branch {}", saved.path))?;
            }
            SavedTo::Returned { output, .. } => {
                let workflow = &self.identity.workflow;
                limit.check(output.len(), || format!("the output of the workflow `{workflow}`"))?;
            }
            SavedTo::Again(_) => {}
        }
        saved.pushed.iter().try_for_each(|(name, body)| {
            limit.check(body.len(), || format!("the call of `{name}` that `compensate!` pushes"))
        })
    }

    /// Changes of attributes that every store can keep.
    fn save_attributes(&self, ops: &[AttrOp]) -> Result<Vec<AttrOp>, SaveError> {
        for op in ops {
            if let AttrOp::Set { name, value } = op {
                let workflow = &self.identity.workflow;
                let unsaved = |cause| SaveError::Attribute { workflow: workflow.to_string(), cause };
                Attribute::check(name, value).map_err(unsaved)?;
            }
        }
        Ok(ops.to_vec())
    }

    /// An entry of the undo stack.
    fn save_undo(&self, name: &'static str, call: &Local) -> Result<Bytes, SaveError> {
        let mut json = Vec::new();
        call.write(&mut json)
            .and_then(|()| serde_json::from_slice(&json))
            .and_then(|call: Box<RawValue>| UndoEntry::write(name, &call))
            .map_err(|cause| SaveError::Undo {
                workflow: self.identity.workflow.to_string(),
                undo: name,
                cause,
            })
    }

    /// The calls of the branch of this number, which starts in place of one that has ended.
    fn enter_next(
        &self,
        ended: &Path,
        number: u32,
        machine: &dyn AnyMachine,
        now: Timestamp,
    ) -> Result<Entered, SaveError> {
        let mut entering = self.entering(now);
        if let (Some(around), Life::At { calls, .. }) = (ended.parent(), &self.life)
            && let Some(Call { entered, waiting_for: WaitingFor::Group(group), .. }) = calls.get(&around)
        {
            entering.enter_first(around.child(number), machine, *entered, group, number)?;
        }
        Ok(Entered::of(entering))
    }

    /// Enters calls at the next revision. What a cancelled run comes to is not begun any more.
    fn entering(&self, now: Timestamp) -> Entering<'_> {
        let is_cancelled = matches!(self.life, Life::At { cancelled: Some(_), .. });
        Entering::new(&self.identity, self.revision.next(), now, !is_cancelled)
    }

    /// Applies a move.
    fn make(&mut self, draft: &mut Draft, one: Saved, now: Timestamp) -> Result<(), Impossible> {
        let Saved { path, leaf, cause, to, words, pushed, attributes } = one;
        let came = Came { cause, words: words.as_deref() };
        let answered = match &self.life {
            Life::At { calls, .. } => {
                path.contains(&leaf) && calls.get(&leaf).is_some_and(|call| cause.answers(call))
            }
            Life::Ending { .. } | Life::Ended { .. } => false,
        };
        if !answered {
            return Err(self.impossible(cause.name()));
        }
        draft.consume.extend(cause.consumed());
        self.push(draft, pushed);
        draft.attributes.extend(attributes);
        match to {
            SavedTo::Again(again) => self.try_again(draft, &leaf, came, again, now),
            SavedTo::Root { at, version, state, whole, entered } => {
                let left = self.leave(draft, &path, &leaf, cause, entered)?;
                self.tell(draft, &left, &leaf, came, now, StoryOutcome::To(&at))?;
                if let Life::At { state, .. } = &mut self.life {
                    *state = at;
                }
                self.version = version;
                self.replace_fields(draft, state);
                self.keep_state(draft, whole.as_ref())
            }
            SavedTo::Branch { at, fields, mut entered } => {
                if let Some(Opened { call, .. }) = entered.calls.first_mut() {
                    call.at = Some(at.clone());
                }
                let left = self.leave(draft, &path, &leaf, cause, entered)?;
                self.put(draft, parts::fields(&path), fields);
                self.tell(draft, &left, &leaf, came, now, StoryOutcome::To(&at))
            }
            SavedTo::BranchEnd { output, failed, started, entered } => {
                let left = self.leave(draft, &path, &leaf, cause, entered)?;
                self.put(draft, parts::output(&path), output);
                self.tell(draft, &left, &leaf, came, now, StoryOutcome::BranchEnd { failed })?;
                self.count_started(draft, &path, started)
            }
            SavedTo::Returned { output, failed } => {
                let left = self.leave(draft, &path, &leaf, cause, Entered::default())?;
                let outcome = match (failed, self.undo.is_empty()) {
                    (false, _) => StoryOutcome::End("completed"),
                    (true, true) => StoryOutcome::End("failed"),
                    (true, false) => StoryOutcome::Undoes("failed"),
                };
                self.tell(draft, &left, &leaf, came, now, outcome)?;
                self.returned(draft, output, failed)
            }
        }
    }

    /// Leaves the calls at a path and below it for those that are entered there: nothing is kept of them, the children among
    /// them are awaited no more, and neither are the steps in flight.
    fn leave(
        &mut self,
        draft: &mut Draft,
        path: &Path,
        leaf: &Path,
        cause: Cause,
        entered: Entered,
    ) -> Result<Left, Impossible> {
        let recorded: Vec<(Path, Call)> = entered
            .calls
            .iter()
            .filter(|opened| opened.recorded && !opened.path.is_root())
            .map(|opened| (opened.path.clone(), opened.call.clone()))
            .collect();
        let left = self.exchange(path, entered.calls);
        self.remove_branches(draft, path);
        for (path, call) in recorded {
            self.put_call(draft, &path, &call)?;
        }
        // One that took too long is at work still.
        let ended = Some(leaf).filter(|_| cause != Cause::Elapsed);
        for (_, call) in left.iter().filter(|(path, _)| Some(path) != ended) {
            if call.entered == self.revision.next() {
                draft.forget_start(call);
            } else {
                self.tell_child(draft, call, Verb::Cancel, "nobody awaits it any more")?;
            }
        }
        self.drop_steps(draft, path, ended);
        draft.effects.extend(entered.effects);
        Ok(left)
    }

    /// Puts calls in the place of those at a path and below it, and gives these.
    fn exchange(&mut self, path: &Path, opened: Vec<Opened>) -> Left {
        let Life::At { calls, .. } = &mut self.life else { return Vec::new() };
        let mut left = calls.remove_below(path);
        if path.is_root() && opened.is_empty() {
            left.push((Path::ROOT, calls.root().clone()));
        }
        for Opened { path, call, .. } in opened {
            let old = calls.insert(path.clone(), call);
            left.extend(old.map(|old| (path, old)));
        }
        left
    }

    /// Notes what came of the call that ended.
    fn tell(
        &self,
        draft: &mut Draft,
        left: &Left,
        leaf: &Path,
        came: Came<'_>,
        now: Timestamp,
        outcome: StoryOutcome<'_>,
    ) -> Result<(), Impossible> {
        match left.iter().find(|(path, _)| path == leaf) {
            Some((_, call)) => self.note(draft, call, Some(came), now, outcome),
            None => Err(self.impossible(came.cause.name())),
        }
    }

    /// Counts the branch that was started in place of the one at a path.
    fn count_started(
        &mut self,
        draft: &mut Draft,
        ended: &Path,
        started: Option<u32>,
    ) -> Result<(), Impossible> {
        let (Some(number), Some(around)) = (started, ended.parent()) else { return Ok(()) };
        let Life::At { calls, .. } = &mut self.life else { return Ok(()) };
        let counted = calls.change(&around, |call| {
            if let WaitingFor::Group(group) = &mut call.waiting_for {
                group.started = group.started.max(number + 1);
            }
        });
        let Some(call) = counted.filter(|_| !around.is_root()).cloned() else { return Ok(()) };
        self.put_call(draft, &around, &call)
    }

    /// Has a call made again.
    fn try_again(
        &mut self,
        draft: &mut Draft,
        leaf: &Path,
        came: Came<'_>,
        again: Again,
        now: Timestamp,
    ) -> Result<(), Impossible> {
        self.come_back(leaf);
        let Life::At { calls, .. } = &mut self.life else { return Ok(()) };
        let Some(failed) = calls.get(leaf).cloned() else { return Ok(()) };
        let Some(call) = calls.change(leaf, |call| call.try_again(again)).cloned() else { return Ok(()) };
        self.put_call(draft, leaf, &call)?;
        self.note(draft, &failed, Some(came), now, StoryOutcome::Again(again.due))
    }

    /// Takes over the fields of a new state: writes the new parts and removes those that are in neither list.
    fn replace_fields(&mut self, draft: &mut Draft, state: Encoded) {
        let Encoded { document, parts: put, kept } = state;
        let is_needed = |name: &str| kept.contains(&name) || put.iter().any(|(new, _)| *new == name);
        let gone = self.parts.iter().filter(|name| !is_needed(name));
        draft.fields = gone.map(|name| PartOp::Delete { name: name.clone().into_owned() }).collect();
        self.parts =
            kept.iter().chain(put.iter().map(|(name, _)| name)).map(|name| Cow::Borrowed(*name)).collect();
        let put = put.into_iter().map(|(name, body)| PartOp::Put(Part { name: name.to_owned(), body }));
        draft.fields.extend(put);
        draft.state = Some(document);
    }
}

impl Entered {
    /// What was entered.
    fn of(entering: Entering<'_>) -> Self {
        Self { calls: entering.calls, effects: entering.effects }
    }
}

impl Call {
    /// Makes it the next attempt.
    pub(super) fn try_again(&mut self, again: Again) {
        let forgiven = self.retry.as_ref().map_or(0, |retry| retry.forgiven);
        self.attempt += 1;
        self.retry = Some(Retrying { due: again.due, began: again.began, forgiven });
    }
}

/// Why a run whose state can't be saved is parked.
pub(super) fn unsaved(error: &SaveError) -> ParkReason {
    match error {
        SaveError::TooLarge(TooLarge { what, bytes, limit }) => {
            ParkReason::TooLarge { what: what.clone(), bytes: *bytes, limit: *limit }
        }
        error => ParkReason::Unsaved { message: error.to_string() },
    }
}
