//! The engine's part, by hand.

use std::sync::Arc;

use refluxo::{
    engine::{AnyMachine, AnyTransition},
    machine::{Changes, Machine, Outcome, Undos},
    prelude::*,
    snapshot::{StateReader, StateWriter},
    suspend::{Begin, Group, Outcomes, Pending, Resources, Rule},
};

/// Drives a machine to its end, as the engine does: what is stored is read back at every state.
pub(crate) struct Driver {
    runtime: tokio::runtime::Runtime,
    /// The branch that wins a `select!`.
    winner: u32,
    /// The states, in the order in which they were stored.
    pub(crate) states: Vec<String>,
    /// What was pushed by `compensate!`.
    pub(crate) undos: Undos,
}

impl Driver {
    fn new(winner: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { runtime, winner, states: Vec::new(), undos: Undos::default() }
    }

    fn drive<M: Machine>(&mut self, mut machine: Box<dyn AnyMachine>) -> AnyTransition {
        loop {
            machine = self.stored::<M>(machine);
            let rule = match machine.pending() {
                Pending::Group(group) => Some(group.rule()),
                _ => None,
            };
            let (begin, frame) = machine.begin();
            let outcome = self.perform::<M>(begin, rule);
            match frame.resume(outcome, &mut self.undos) {
                AnyTransition::Suspend(next, _) => machine = next,
                end => return end,
            }
        }
    }

    /// The state as it comes back from a store; a call that is a branch has none.
    fn stored<M: Machine>(&mut self, machine: Box<dyn AnyMachine>) -> Box<dyn AnyMachine> {
        if machine.workflow() != M::NAME {
            return machine;
        }
        let (at, changes) = (machine.at().to_owned(), Changes::all());
        let mut writer = StateWriter::new(&at, &changes, &[]);
        machine.encode(&mut writer);
        let encoded = writer.finish().unwrap();
        self.states.push(format!("{at} {}", String::from_utf8_lossy(&encoded.document)));
        let parts: Vec<_> = encoded.parts.iter().map(|(name, body)| (*name, body.as_ref())).collect();
        Box::new(M::decode(&at, StateReader::new(&at, &encoded.document, parts).unwrap()).unwrap())
    }

    fn perform<M: Machine>(&mut self, begin: Begin, rule: Option<Rule>) -> Outcome {
        match begin {
            Begin::Start | Begin::Timer => Outcome::new(()),
            Begin::Step(task) => {
                let context = StepContext::new("run".into(), task.name(), 1, "key".into());
                self.runtime.block_on(task.run(context, Arc::new(Resources::default())))
            }
            Begin::Limited(limited) => (limited.in_time)(self.perform::<M>(limited.begin, rule)),
            Begin::Group(group) => Outcome::new(self.group::<M>(group, rule.unwrap())),
            _ => panic!("nobody sends anything"),
        }
    }

    fn group<M: Machine>(&mut self, Group { branches, read }: Group, rule: Rule) -> Outcomes {
        let mut outcomes: Vec<Option<Outcome>> = branches.iter().map(|_| None).collect();
        for (number, branch) in (0..).zip(branches) {
            if rule == Rule::Any && number != self.winner {
                continue;
            }
            let AnyTransition::Branch(end) = self.drive::<M>(branch) else { panic!("no branch") };
            let ends = rule == Rule::Any || end.failed;
            let place = &mut outcomes[number as usize];
            *place = Some(match end.write {
                Some(write) if !ends => {
                    let mut json = Vec::new();
                    write(&end.outcome, &mut json).unwrap();
                    let json: Box<serde_json::value::RawValue> = serde_json::from_slice(&json).unwrap();
                    read.get(number as usize).unwrap_or(&read[0])(&json).unwrap()
                }
                _ => end.outcome,
            });
            if ends {
                return Outcomes::new(Some(number), outcomes);
            }
        }
        Outcomes::new(None, outcomes)
    }
}

/// Runs a workflow in which the branch `winner` of each `select!` is first; gives the JSON of its output, and what happened.
pub(crate) fn run_with<M: Machine>(machine: M, winner: u32) -> (String, Driver) {
    let mut driver = Driver::new(winner);
    match driver.drive::<M>(Box::new(machine)) {
        AnyTransition::Done { output, .. } => {
            let mut json = Vec::new();
            output.write(&mut json).unwrap();
            (String::from_utf8(json).unwrap(), driver)
        }
        AnyTransition::Unreadable(error) => panic!("{error}"),
        _ => panic!("the workflow did not end"),
    }
}

/// Runs a workflow; gives the JSON of its output.
pub(crate) fn run<M: Machine>(machine: M) -> String {
    run_with(machine, 0).0
}

/// The names of the states in the order in which they were stored.
pub(crate) fn names(driver: &Driver) -> Vec<&str> {
    driver.states.iter().filter_map(|state| state.split(' ').next()).collect()
}
