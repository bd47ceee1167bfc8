//! The conformance suite can fail: each protocol that is known to be wrong is caught by a case that is named here.

mod mutant;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use futures_util::future::BoxFuture;
use refluxo::{
    store::{
        MemoryStore, Store,
        conformance::{self, TestBed},
    },
    time::{ManualClock, Timestamp},
};

use self::mutant::{Mutant, Wrong};

/// Wrong protocols and the cases that catch them.
const CAUGHT: &[(Wrong, &[&str])] = &[
    (
        Wrong::NoDoorbell,
        &["a_message_that_came_before_the_rest_wakes_the_run", "a_message_that_races_a_rest_is_found"],
    ),
    (Wrong::CounterAsSeen, &["a_message_between_claim_and_load_is_seen_by_the_load_only"]),
    (Wrong::RowInInbox, &["a_seen_message_lets_the_run_rest", "a_message_that_races_a_rest_is_found"]),
    (Wrong::MessagesFence, &["a_message_leaves_lease_and_revision_alone"]),
    (
        Wrong::CounterAsToken,
        &["a_stale_token_is_lost_at_an_equal_revision", "a_lease_that_ended_is_given_to_the_next"],
    ),
    (Wrong::TokenAlone, &["a_stale_revision_is_lost"]),
    (
        Wrong::StaleTokenResurrected,
        &["a_lost_commit_leaves_no_trace", "of_two_commits_at_one_revision_one_applies"],
    ),
    (Wrong::LateCommitLost, &["a_late_commit_applies_if_nobody_has_claimed"]),
    (Wrong::ResentIsLost, &["a_commit_sent_again_is_done_and_changes_nothing"]),
    (Wrong::ResentIsAppliedAgain, &["a_commit_sent_again_is_done_and_changes_nothing"]),
    (Wrong::LoserHasEffects, &["a_lost_commit_has_no_effects"]),
    (Wrong::EffectsLost, &["effects_are_applied_with_their_commit", "parent_and_child_commit_in_one_batch"]),
    (Wrong::EffectsPerSending, &["a_commit_sent_again_repeats_no_effects"]),
    (Wrong::BellOfOwnBatchLost, &["parent_and_child_commit_in_one_batch"]),
    (
        Wrong::OwedForgotten,
        &["a_start_under_a_taken_id_stays_owed", "owed_effects_are_found_by_the_next_claim"],
    ),
    (Wrong::PoisonedBatch, &["a_poisoned_item_harms_no_other"]),
    (Wrong::LostBatch, &["a_poisoned_item_harms_no_other"]),
    (Wrong::NothingUsedUp, &["a_key_is_taken_once"]),
    (
        Wrong::KeysForgotten,
        &["a_key_is_taken_once", "an_effect_redelivered_after_its_consumption_is_a_duplicate"],
    ),
    (Wrong::KeysIgnored, &["a_key_is_taken_once"]),
    (Wrong::LivesMixedUp, &["what_cannot_be_delivered_is_told"]),
    (Wrong::ClaimsAnyVersion, &["a_claim_takes_only_wanted_workflows_and_versions"]),
    (Wrong::ClocksCompared, &["a_lent_run_is_in_the_callers_hands", "a_run_is_given_to_one_worker_only"]),
    (Wrong::StatesAreText, &["a_run_comes_back_as_it_was_created"]),
    (Wrong::PoisonUncounted, &["claims_are_counted_until_a_commit"]),
    (
        Wrong::KeysUnlimited,
        &[
            "runs_of_one_key_follow_each_other",
            "both_limits_hold_at_once",
            "limits_hold_and_no_run_is_forgotten_with_many_workers",
        ],
    ),
    (
        Wrong::WorkflowsUnlimited,
        &["no_more_runs_are_lent_than_a_workflow_may_have", "both_limits_hold_at_once"],
    ),
    (
        Wrong::RatesUnlimited,
        &[
            "no_more_runs_begin_than_a_workflow_may_in_its_time",
            "a_rate_holds_and_no_run_is_forgotten_with_many_workers",
        ],
    ),
    (Wrong::RatesOverTooSoon, &["no_more_runs_begin_than_a_workflow_may_in_its_time"]),
];

/// A memory store behind one wrong protocol.
struct Bed {
    clock: Arc<ManualClock>,
    mutant: Mutant,
}

impl Bed {
    fn new(wrong: Wrong) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
        let (_, mutant) = Mutant::new(wrong, MemoryStore::builder(), clock.clone());
        Self { clock, mutant }
    }
}

impl TestBed for Bed {
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Store>> {
        let mutant = self.mutant.clone();
        Box::pin(async { Arc::new(mutant) as Arc<dyn Store> })
    }

    fn pass(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.clock.advance(duration);
        Box::pin(async {})
    }
}

/// Whether the case passes.
fn passes(name: &str, wrong: Wrong) -> bool {
    let case = conformance::case(name).unwrap_or_else(|| panic!("there is no case {name}"));
    catch_unwind(AssertUnwindSafe(|| case.check(Arc::new(Bed::new(wrong))))).is_ok()
}

/// Cases in which workers race. A busy machine may run one after the other, and then there is nothing to catch.
const RACES: [&str; 3] = [
    "a_message_that_races_a_rest_is_found",
    "a_rate_holds_and_no_run_is_forgotten_with_many_workers",
    "limits_hold_and_no_run_is_forgotten_with_many_workers",
];

/// How often a case is tried that should catch something.
fn tries(case: &str) -> u32 {
    if RACES.contains(&case) { 20 } else { 1 }
}

#[test]
fn every_wrong_protocol_is_caught_by_the_cases_named_for_it() {
    let mut missed = Vec::new();
    for (wrong, cases) in CAUGHT {
        let is_missed = |case: &&&str| (0..tries(case)).all(|_| passes(case, *wrong));
        missed.extend(cases.iter().filter(is_missed).map(|case| (wrong, case)));
    }
    assert!(missed.is_empty(), "these pass with a wrong protocol: {missed:?}");
}

#[test]
fn every_wrong_protocol_is_named() {
    for wrong in Wrong::ALL {
        assert!(CAUGHT.iter().any(|(caught, _)| caught == wrong), "{wrong:?} is caught by no case");
    }
}

/// So that it is the mutations that are caught and not what they are made of.
#[test]
fn the_wrapper_without_a_mutation_passes_every_case() {
    let failed: Vec<_> =
        conformance::CASES.iter().filter(|case| !passes(case.name, Wrong::Nothing)).collect();
    assert!(failed.is_empty(), "{:?}", failed.iter().map(|case| case.name).collect::<Vec<_>>());
}
