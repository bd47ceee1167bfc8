//! What a run does next.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Run,
    calls::Calls,
    letter::{Verb, ended_child, signal_name},
    run::{Life, Stage},
};
use crate::{
    snapshot::{Call, Path, WaitingFor},
    store::{Received, Seq, Then},
    time::Timestamp,
};

/// What a run does next, as far as its holder knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// All of this. The outcomes of what ends at once go into one commit.
    Act(Vec<Task>),
    /// Nothing but what is in flight, until this time or a message.
    Rest(Option<Timestamp>),
}

/// One thing that a run does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// This message is heeded by the run itself: [`super::Event::Told`].
    Told(Seq),
    /// The calls at these paths are entered by their machines: [`super::Event::Entered`].
    Enter(Vec<Path>),
    /// A call is performed, or has its outcome.
    Call {
        /// Whose.
        path: Path,
        /// What is to be done.
        ready: Ready,
        /// When it became ready, by the store's clock.
        at: Timestamp,
    },
    /// The call at the top of the undo stack is performed, or has its outcome.
    Undo {
        /// What is to be done.
        ready: Ready,
        /// When it became ready, by the store's clock.
        at: Timestamp,
    },
    /// The run was cancelled and nothing is in flight: [`super::Event::Swept`].
    EndNow,
}

/// What is to be done about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ready {
    /// The workflow's code runs from its beginning, or that of a branch.
    Start,
    /// A step is run.
    Step,
    /// The timer is over.
    Timer,
    /// This message is taken.
    Signal(Seq),
    /// This message tells the child's end.
    Child(Seq),
    /// The spawned run was started.
    Spawned,
    /// The time for the call is over.
    Elapsed,
    /// A group has no branches.
    Empty,
}

/// What there is to be done about a call.
enum Readiness {
    /// This, since then.
    Ready(Ready, Timestamp),
    /// Nothing before this time.
    Waits(Option<Timestamp>),
    /// It is to be entered anew.
    Unstarted,
}

impl Run {
    /// What the run does next at this time.
    pub(crate) fn next(&self, now: Timestamp) -> Next {
        if let Some(verb) = self.inbox.iter().find(|message| Verb::of(&message.kind).is_some()) {
            return Next::Act(vec![Task::Told(verb.seq)]);
        }
        if self.parked.is_some() || self.paused {
            return Next::Rest(None);
        }
        match &self.life {
            Life::Ending { stage: Stage::Children(children), .. } => self.next_child_end(children),
            Life::Ending { stage: Stage::Undo { call }, .. } => self.next_undo(call, now),
            Life::At { cancelled: Some(_), .. } if self.in_flight.is_empty() => Next::Act(vec![Task::EndNow]),
            Life::At { cancelled: Some(_), .. } | Life::Ended { .. } => Next::Rest(None),
            Life::At { calls, .. } if self.enter => Next::Act(vec![Task::Enter(self.recorded(calls))]),
            Life::At { calls, .. } => self.next_of(calls, now),
        }
    }

    /// Whether the run stays in its holder's hands.
    pub(super) fn then(&self, now: Timestamp) -> Then {
        match (&self.life, self.next(now)) {
            (Life::Ended { .. }, _) => Then::End,
            (Life::At { .. } | Life::Ending { .. }, Next::Act(_)) => Then::Go,
            (Life::At { .. } | Life::Ending { .. }, Next::Rest(_)) if !self.in_flight.is_empty() => Then::Go,
            (Life::At { .. } | Life::Ending { .. }, Next::Rest(due)) => Then::Rest { due },
        }
    }

    /// What is to be done about the calls.
    fn next_of(&self, calls: &Calls, now: Timestamp) -> Next {
        let mail = Mail::of(&self.inbox);
        let letters = mail.hand_out(calls, now);
        // A group before its branches.
        let mut ripe: Vec<&Path> = calls.agenda().ripe(now).chain(letters.keys().copied()).collect();
        ripe.sort_unstable();
        ripe.dedup();
        let mut tasks = Vec::new();
        let mut unstarted = Vec::new();
        // A group whose time is over begins nothing more.
        let mut elapsed: Option<&Path> = None;
        for path in ripe {
            let Some(call) = calls.get(path) else { continue };
            match self.readiness(path, call, letters.get(path).copied(), now) {
                Readiness::Waits(_) => {}
                Readiness::Unstarted => unstarted.push(path.clone()),
                Readiness::Ready(Ready::Start | Ready::Step, _)
                    if elapsed.is_some_and(|group| group.contains(path)) => {}
                Readiness::Ready(ready, at) => {
                    // Those in it stand behind it, and then comes what is not in it.
                    if ready == Ready::Elapsed && elapsed.is_none_or(|group| !group.contains(path)) {
                        elapsed = Some(path);
                    }
                    tasks.push(Task::Call { path: path.clone(), ready, at });
                }
            }
        }
        if !unstarted.is_empty() {
            return Next::Act(vec![Task::Enter(unstarted)]);
        }
        if tasks.is_empty() { Next::Rest(calls.agenda().due()) } else { Next::Act(tasks) }
    }

    /// What is to be done about a call, given the message that it may take.
    fn readiness(&self, path: &Path, call: &Call, letter: Option<&Received>, now: Timestamp) -> Readiness {
        #[cfg(test)]
        super::tests::many::looked();
        let over = call.until.filter(|until| *until <= now);
        let unless_over =
            |ready: Readiness| over.map_or(ready, |until| Readiness::Ready(Ready::Elapsed, until));
        let waits = |time| unless_over(Readiness::Waits(call.due(time)));
        let taken = |ready: fn(Seq) -> Ready| {
            letter.map_or_else(|| waits(None), |letter| Readiness::Ready(ready(letter.seq), letter.at))
        };
        match &call.waiting_for {
            WaitingFor::Start => unless_over(Readiness::Ready(Ready::Start, now)),
            WaitingFor::Step { .. } => match &call.retry {
                _ if self.in_flight.contains(path) => waits(None),
                Some(retry) if retry.due > now => waits(Some(retry.due)),
                Some(_) | None => unless_over(Readiness::Ready(Ready::Step, now)),
            },
            WaitingFor::Timer { until } if *until > now => waits(Some(*until)),
            WaitingFor::Timer { until } => match over {
                Some(over) if over < *until => Readiness::Ready(Ready::Elapsed, over),
                Some(_) | None => Readiness::Ready(Ready::Timer, *until),
            },
            WaitingFor::Signal { .. } => taken(Ready::Signal),
            WaitingFor::Child { .. } if call.is_unstarted_child() => unless_over(Readiness::Unstarted),
            WaitingFor::Child { .. } => taken(Ready::Child),
            WaitingFor::Spawn { .. } => Readiness::Ready(Ready::Spawned, now),
            WaitingFor::Group(group) if group.of == 0 => Readiness::Ready(Ready::Empty, now),
            WaitingFor::Group(_) => waits(None),
        }
    }

    /// What is to be done about an undo call.
    fn next_undo(&self, call: &Call, now: Timestamp) -> Next {
        let letter = Mail::of(&self.inbox).letter_for(call, now);
        match self.readiness(Path::root(), call, letter, now) {
            Readiness::Ready(ready, at) => Next::Act(vec![Task::Undo { ready, at }]),
            Readiness::Waits(due) => Next::Rest(due),
            // An undo call that is to be made anew says so as a step; its machine tells what it is.
            Readiness::Unstarted => Next::Act(vec![Task::Undo { ready: Ready::Step, at: now }]),
        }
    }

    /// The end of a child that is being cancelled.
    fn next_child_end(&self, children: &BTreeMap<Path, Call>) -> Next {
        let mail = Mail::of(&self.inbox);
        match children.values().find_map(|call| mail.end_of(call)) {
            Some(end) => Next::Act(vec![Task::Told(end.seq)]),
            None => Next::Rest(None),
        }
    }

    /// The paths of the calls that are stored each for itself.
    fn recorded(&self, calls: &Calls) -> Vec<Path> {
        let is_recorded =
            |path: &Path| path.is_root() || self.reserved.contains(&crate::snapshot::parts::call(path));
        calls.iter().map(|(path, _)| path).filter(|path| is_recorded(path)).cloned().collect()
    }
}

/// The messages that calls may take.
struct Mail<'a> {
    /// By the name of the signal, in their order.
    signals: BTreeMap<&'a str, VecDeque<&'a Received>>,
    /// By the child's id.
    ends: BTreeMap<&'a str, &'a Received>,
}

impl<'a> Mail<'a> {
    /// The messages of an inbox.
    fn of(inbox: &'a [Received]) -> Self {
        let mut mail = Self { signals: BTreeMap::new(), ends: BTreeMap::new() };
        for message in inbox {
            if let Some(name) = signal_name(&message.kind) {
                mail.signals.entry(name).or_default().push_back(message);
            } else if let Some(child) = ended_child(&message.kind) {
                mail.ends.entry(child).or_insert(message);
            }
        }
        mail
    }

    /// The message of each call that may take one, each message once: of several calls that wait for one signal, the one that
    /// has waited longest takes the first, and of those that are as old the one that stands first in the source.
    fn hand_out(self, calls: &Calls, now: Timestamp) -> BTreeMap<&Path, &'a Received> {
        let mut letters = BTreeMap::new();
        let is_for = |path: &Path, letter: &Received| {
            calls.get(path).is_some_and(|call| is_in_time(call, letter, now))
        };
        for (child, end) in self.ends {
            let path = calls.agenda().awaiting(child).filter(|path| is_for(path, end));
            letters.extend(path.map(|path| (path, end)));
        }
        for (name, mut queue) in self.signals {
            for path in calls.agenda().waiting_for(name) {
                let Some(first) = queue.front().copied() else { break };
                if is_for(path, first) {
                    letters.insert(path, first);
                    queue.pop_front();
                }
            }
        }
        letters
    }

    /// The message that a call may take which stands alone.
    fn letter_for(&self, call: &Call, now: Timestamp) -> Option<&'a Received> {
        let letter = match &call.waiting_for {
            WaitingFor::Signal { name } => self.signals.get(name.as_str())?.front().copied(),
            _ => self.end_of(call),
        };
        letter.filter(|letter| is_in_time(call, letter, now))
    }

    /// The message that tells the end of the child that a call waits for.
    fn end_of(&self, call: &Call) -> Option<&'a Received> {
        self.ends.get(call.awaited_child()?).copied()
    }
}

/// Whether a message came before the time for the call was over. Not the time when it is looked at counts, but that when it came.
fn is_in_time(call: &Call, message: &Received, now: Timestamp) -> bool {
    call.until.is_none_or(|until| until > now || message.at <= until)
}
