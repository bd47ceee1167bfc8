//! Joins of thousands.

use std::cell::Cell;

use super::{
    shape::{Shape, join, join_all, step},
    store::Stored,
    *,
};

/// All bytes that a join of so many steps writes, 64 at once.
fn written(items: u32) -> usize {
    let origin = Origin::of(id("many"), Uid::from_u128(7));
    let (run, new_run) = birth(origin, &start(), Start::Now).expect("it can be saved");
    let mut stored = Stored::new(new_run);
    let branches: Vec<Shape> = (0..items).map(|_| step()).collect();
    let (mut run, plan) = arrive(run, Cause::Started, &join_all(64, branches));
    stored.commit(&plan);
    let next = step();
    for number in 0..items {
        let is_last = number + 1 == items;
        let at = number.to_string();
        let begins = (number + 64 < items).then_some((number + 64, &next as &dyn AnyMachine));
        let one = if is_last {
            one_move("", &at, STEPPED, to(&next))
        } else {
            one_move(&at, &at, STEPPED, To::Ended { output: b"12345678", failed: false, next: begins })
        };
        let (after, plan) = run.apply(moves(vec![one]), NOW).expect("it may end");
        assert!(plan.head.body.len() < 300, "the head does not grow: {}", plan.head.body.len());
        assert!(is_last || plan.parts.len() == 1, "a plain item costs one write");
        stored.commit(&plan);
        run = after;
        assert!(calls(&run).iter().count() <= 65);
    }
    stored.check(&run);
    assert_eq!(stored.parts().count(), 0);
    stored.written
}

#[test]
fn the_bytes_that_a_join_writes_grow_with_its_items_alone() {
    let (few, many) = (written(100), written(10_000));
    assert!(many < 110 * few, "{few} bytes for 100 items, {many} for 10,000");
    assert!(many < 10_000 * 700, "{} bytes an item", many / 10_000);
}

thread_local! {
    /// How often it was asked what there is to be done about a call.
    static LOOKS: Cell<usize> = const { Cell::new(0) };
}

/// Counts that it was asked what there is to be done about a call.
pub(crate) fn looked() {
    LOOKS.set(LOOKS.get() + 1);
}

/// How many calls are looked at while a join of so many steps ends, all of which are at work at once.
fn looks(items: u32) -> usize {
    let branches: Vec<Shape> = (0..items).map(|_| step()).collect();
    let mut run = at(&join(branches));
    let Next::Act(tasks) = run.next(NOW) else { panic!("its steps are ready") };
    for task in tasks {
        let Task::Call { path, ready: Ready::Step, .. } = task else { panic!("a step is ready") };
        run.set_out(path);
    }
    LOOKS.set(0);
    for number in 0..items {
        let at = number.to_string();
        assert_eq!(run.next(NOW), Next::Rest(None));
        let next = step();
        let one = if number + 1 == items {
            one_move("", &at, STEPPED, to(&next))
        } else {
            one_move(&at, &at, STEPPED, ended("12345678"))
        };
        run = run.apply(moves(vec![one]), NOW).expect("it may end").0;
    }
    LOOKS.get()
}

#[test]
fn the_end_of_one_step_looks_at_none_of_the_others() {
    assert!(looks(1_000) <= 10, "{} looks", looks(1_000));
}
