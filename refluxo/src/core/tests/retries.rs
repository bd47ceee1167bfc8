//! Attempts.

use super::{
    shape::{join, sleep, step},
    *,
};
use crate::{
    core::{Again, retry},
    snapshot::Retrying,
    store::Then,
    suspend::{Backoff, Retry},
};

const PLAIN: Retry = Retry {
    attempts: 4,
    backoff: Backoff::Exponential,
    initial: Duration::from_secs(10),
    max: Duration::from_secs(35),
    jitter: false,
    total: None,
};

/// The pauses after the attempts of a call that always fails.
fn pauses(retry: &Retry) -> Vec<Duration> {
    let mut call = call(&at(&step()), "").clone();
    let (mut pauses, mut now) = (Vec::new(), NOW);
    while let Some(again) = retry::next(retry, &call, now, now) {
        assert_eq!(again.began, NOW);
        pauses.push(again.due.saturating_since(now));
        now = again.due;
        call.try_again(again);
    }
    pauses
}

fn seconds(seconds: impl IntoIterator<Item = u64>) -> Vec<Duration> {
    seconds.into_iter().map(Duration::from_secs).collect()
}

#[test]
fn pauses_grow_as_the_backoff_says_up_to_the_longest() {
    assert_eq!(pauses(&PLAIN), seconds([10, 20, 35]));
    assert_eq!(pauses(&Retry { backoff: Backoff::Linear, ..PLAIN }), seconds([10, 20, 30]));
    assert_eq!(pauses(&Retry { backoff: Backoff::Constant, ..PLAIN }), seconds([10, 10, 10]));
    assert_eq!(pauses(&Retry { attempts: 1, ..PLAIN }), seconds([]));
    let many = pauses(&Retry { attempts: 100, ..PLAIN });
    assert_eq!((many.len(), many[98]), (99, Duration::from_secs(35)), "no number overflows");
}

#[test]
fn jitter_takes_up_to_half_of_a_pause_and_is_the_same_wherever_it_is_computed() {
    let jitter = Retry { attempts: 50, backoff: Backoff::Constant, jitter: true, ..PLAIN };
    let all = pauses(&jitter);
    assert_eq!(all, pauses(&jitter));
    assert!(all.iter().all(|pause| (5..=10).contains(&pause.as_secs())), "{all:?}");
    assert!(all.iter().any(|pause| *pause < Duration::from_secs(7)));
    assert!(all.iter().any(|pause| *pause > Duration::from_secs(8)));
}

#[test]
fn no_attempt_begins_after_the_total_time() {
    assert_eq!(pauses(&Retry { total: Some(Duration::from_secs(30)), ..PLAIN }), seconds([10, 20]));
    assert_eq!(pauses(&Retry { total: Some(Duration::from_secs(29)), ..PLAIN }), seconds([10]));
}

#[test]
fn a_retry_by_an_operator_begins_the_count_anew() {
    let mut call = call(&at(&step()), "").clone();
    call.attempt = 5;
    assert_eq!(retry::next(&PLAIN, &call, NOW, NOW), None);
    call.retry = Some(Retrying { due: NOW, began: later(100), forgiven: 4 });
    assert_eq!(retry::next(&PLAIN, &call, NOW, NOW), Some(Again { due: later(10), began: later(100) }));
}

#[test]
fn a_call_that_is_tried_again_rests_until_then_under_its_key() {
    let run = at(&step());
    let key = call(&run, "").key.clone();
    let again = To::Again(Again { due: later(600), began: NOW });
    let (run, plan) = moved(run, STEPPED, again).expect("it may fail");
    assert_eq!(plan.then, Then::Rest { due: Some(later(600)) });
    assert!(plan.state.is_none() && plan.parts.is_empty());
    assert_eq!((call(&run, "").attempt, &call(&run, "").key), (2, &key));
    assert_eq!(run.next(later(599)), Next::Rest(Some(later(600))));
    assert_eq!(run.next(later(600)), act(Ready::Step, later(600)));
    let entry = &entries(&plan)[0];
    assert_eq!((&entry["attempt"], entry["again"].is_string()), (&1.into(), true));
}

#[test]
fn a_branch_that_is_tried_again_has_a_record() {
    let run = at(&join([step(), sleep(900)]));
    let again = To::Again(Again { due: later(600), began: NOW });
    let (run, plan) = moved_at(run, "0", STEPPED, again).expect("it may fail");
    assert_eq!((parts(&plan), plan.then), (vec!["+b:0".to_owned()], Then::Rest { due: Some(later(600)) }));
    assert_eq!(run.next(later(600)), Next::Act(vec![task("0", Ready::Step, later(600))]));
}

#[test]
fn the_limit_of_a_call_ends_its_backoff() {
    let run = at(&step().limited(300));
    let again = To::Again(Again { due: later(600), began: NOW });
    let (run, plan) = moved(run, STEPPED, again).expect("it may fail");
    assert_eq!(plan.then, Then::Rest { due: Some(later(300)) });
    assert_eq!(run.next(later(300)), act(Ready::Elapsed, later(300)));
}

#[test]
fn a_panic_after_the_last_attempt_parks_and_an_operators_retry_counts_on() {
    let run = at(&step());
    let key = call(&run, "").key.clone();
    let (run, plan) = stuck_at(run, "", panicked());
    assert_eq!(plan.then, Then::Rest { due: None });
    assert_eq!(run.next(later(900)), Next::Rest(None));
    let (run, plan) = told(run, "retry");
    assert_eq!((plan.then, run.next(NOW)), (Then::Go, act(Ready::Step, NOW)));
    let call = call(&run, "");
    assert_eq!((call.attempt, &call.key), (2, &key));
    assert_eq!(call.retry.as_ref().map(|retry| retry.forgiven), Some(1));
}
