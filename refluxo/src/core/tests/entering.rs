//! Calls that are entered anew: those of a copied run.

use super::{
    shape::{child, join, join_all, signal, sleep, start, step},
    store::Stored,
    *,
};
use crate::{
    snapshot::Hot,
    store::{NewRun, Status},
};

/// A copy of what is stored of a run, under another id.
fn copy(run: &Run, machine: &shape::Shape, records: &[(&str, String)]) -> (Run, Stored) {
    let origin = Origin::of(id("copy"), Uid::from_u128(8));
    let (_, new_run) = birth(origin, machine, Start::Now).expect("it can be saved");
    let mut head = new_run.head.clone();
    let root = calls(run).root().clone();
    head.status = Status::Ready;
    head.body = Hot { enter: true, ..Hot::new(&[root], None) }.write().expect("JSON");
    let part = |(name, body): &(&str, String)| crate::store::Part {
        name: (*name).to_owned(),
        body: Bytes::from(body.clone()),
    };
    let stored = Stored::new(NewRun { head, parts: records.iter().map(part).collect(), ..new_run });
    (stored.read(), stored)
}

#[test]
fn a_copied_run_enters_its_calls_anew_and_keeps_what_has_ended() {
    let machine = join([start(), child(), step(), step()]);
    let run = at(&machine);
    let (run, _) = moved_at(run, "0", Cause::Started, to(&sleep(60))).expect("it may move");
    let (run, _) = moved_at(run, "2", STEPPED, ended("7")).expect("it may end");
    let record = |at: &str| serde_json::to_string(call(&run, at)).expect("JSON");
    let records = [("b:0", record("0")), ("f:0", "{}".into()), ("b:1", record("1")), ("o:2", "7".to_owned())];
    let (copied, mut stored) = copy(&run, &machine, &records);
    let paths = vec![path(""), path("0"), path("1")];
    assert_eq!(copied.next(later(10)), Next::Act(vec![Task::Enter(paths)]));
    let (block, kid) = (sleep(60), child());
    let machines: Vec<(Path, &dyn AnyMachine)> =
        vec![(path(""), &machine), (path("0"), &block), (path("1"), &kid)];
    let (copied, plan) = copied.apply(Event::Entered(machines), later(10)).expect("it may");
    stored.commit(&plan);
    stored.check(&copied);
    assert_eq!(started(&plan).len(), 1);
    assert!(started(&plan)[0].id.as_str().starts_with("copy/shape-"));
    assert_eq!(call(&copied, "0").at.as_deref(), Some("Sleep"));
    for at in ["", "0", "1", "3"] {
        assert_ne!(call(&copied, at).key, call(&run, at).key, "a copy has keys of its own at `{at}`");
    }
    let Next::Act(tasks) = copied.next(later(10)) else { panic!("it goes on") };
    assert_eq!(tasks, [task("3", Ready::Step, later(10))]);
    let WaitingFor::Timer { until } = call(&copied, "0").waiting_for else { panic!("it sleeps") };
    assert_eq!(until, later(70), "it sleeps from now");
}

#[test]
fn a_copy_that_enters_nothing_awaits_no_child_of_the_other_run() {
    let machine = join([child(), child()]);
    let run = at(&machine);
    let record = |at: &str| serde_json::to_string(call(&run, at)).expect("JSON");
    let records = [("b:0", record("0")), ("b:1", record("1"))];
    for verb in ["cancel", "abort"] {
        let (copied, mut stored) = copy(&run, &machine, &records);
        let (copied, plan) = told(copied, verb);
        stored.commit(&plan);
        stored.check(&copied);
        assert!(matches!(copied.life, Life::Ended { status: Status::Cancelled, .. }), "{:?}", copied.life);
        assert!(plan.effects.is_empty(), "they are not its own: {:?}", plan.effects);
        assert_eq!(stored.parts().count(), 0);
    }
}

#[test]
fn a_copied_group_goes_on_at_its_limit() {
    let machine = join_all(1, vec![step(), step(), signal("Hello")]);
    let second = step();
    let next = To::Ended { output: b"7", failed: false, next: Some((1, &second)) };
    let (run, _) = moved_at(at(&machine), "0", STEPPED, next).expect("it may end");
    let (copied, _) = copy(&run, &machine, &[("o:0", "7".to_owned())]);
    let (copied, _) = copied.apply(Event::Entered(vec![(path(""), &machine)]), NOW).expect("it may");
    assert_eq!(copied.next(NOW), Next::Act(vec![task("1", Ready::Step, NOW)]));
}
