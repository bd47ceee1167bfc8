//! The cases that every [`Store`] must pass, public for third parties.
//!
//! A store passes if it holds each guarantee that stands on the methods of [`Store`]. Each case is an `async fn` named
//! after what it shows; [`CASES`] holds them all, and [`conformance_suite!`](crate::conformance_suite) makes a test of each:
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use refluxo::{
//!     store::{Limits, MemoryStore, Store, conformance::TestBed},
//!     time::{ManualClock, Timestamp},
//! };
//!
//! struct Bed {
//!     clock: Arc<ManualClock>,
//!     store: MemoryStore,
//! }
//!
//! impl Bed {
//!     fn new() -> Self {
//!         let clock = Arc::new(ManualClock::at(Timestamp::EPOCH));
//!         Self { store: MemoryStore::builder().clock(clock.clone()).build(), clock }
//!     }
//! }
//!
//! impl TestBed for Bed {
//!     fn connect(&self) -> futures_util::future::BoxFuture<'_, Arc<dyn Store>> {
//!         Box::pin(async { Arc::new(self.store.clone()) as Arc<dyn Store> })
//!     }
//!     fn pass(&self, duration: Duration) -> futures_util::future::BoxFuture<'_, ()> {
//!         self.clock.advance(duration);
//!         Box::pin(async {})
//!     }
//! }
//!
//! refluxo::conformance_suite!(Bed::new());
//! # fn main() {}
//! ```

mod claiming;
mod committing;
mod creating;
mod effects;
mod limiting;
mod looking;
mod messages;
mod pacing;
mod purging;
mod racing;
mod transacting;
mod waking;
mod worker;

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use self::worker::Worker;
use super::{Limits, Store};

/// One empty store for one case.
pub trait TestBed: Send + Sync + 'static {
    /// Connects to the store, as each process does that uses it. All connections are to the same runs.
    fn connect(&self) -> BoxFuture<'_, Arc<dyn Store>>;

    /// Lets time pass by the store's clock: sets it forward, or waits if it can't be set.
    fn pass(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// The limits that the store was opened with.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Whether the store can tell that a session is over before its leases end.
    fn tells_dead_sessions(&self) -> bool {
        true
    }

    /// Whether effects are applied in their commit's transaction. Otherwise they are handed back.
    fn applies_effects(&self) -> bool {
        true
    }
}

/// A case of the suite. It panics if the store does not hold what it shows.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it shows, as the name of its function.
    pub name: &'static str,
    /// Runs it on an empty store.
    pub run: fn(Arc<dyn TestBed>) -> BoxFuture<'static, ()>,
}

impl Case {
    /// Runs the case to its end on a runtime of its own.
    ///
    /// # Panics
    ///
    /// If the store does not hold what the case shows, or no runtime can be made.
    pub fn check(&self, bed: Arc<dyn TestBed>) {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime for the test");
        runtime.block_on((self.run)(bed));
    }
}

/// A worker on a connection of its own.
async fn worker(bed: &Arc<dyn TestBed>) -> Worker {
    Worker::on(bed.connect().await)
}

/// The case of this name.
#[must_use]
pub fn case(name: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.name == name)
}

/// Makes one `#[test]` of each case; the expression makes the [`TestBed`] of a test, with an empty store.
#[macro_export]
macro_rules! conformance_suite {
    ($bed:expr) => {
        $crate::__conformance_cases! { @tests ($bed) }
    };
}

/// Declares the cases, for [`CASES`] and for the suite's macro.
macro_rules! cases {
    ($d:tt $($module:ident: $($name:ident)*;)*) => {
        /// All cases.
        pub const CASES: &[Case] = &[
            $($(Case { name: stringify!($name), run: |bed| Box::pin($module::$name(bed)) },)*)*
        ];

        #[doc(hidden)]
        #[macro_export]
        macro_rules! __conformance_cases {
            (@tests ($d bed:expr)) => {
                $($(
                    #[test]
                    fn $name() {
                        let case = $crate::store::conformance::case(stringify!($name)).expect("a case of the suite");
                        case.check(::std::sync::Arc::new($d bed));
                    }
                )*)*
            };
        }
    };
}

cases! { $
    creating:
        a_run_is_created_once
        the_same_create_again_has_the_same_answer
        a_lent_run_is_in_the_callers_hands
        a_run_comes_back_as_it_was_created
        a_run_that_starts_later_is_not_due_before;
    claiming:
        a_run_is_given_to_one_worker_only
        a_claim_takes_only_wanted_workflows_and_versions
        a_claim_keeps_to_its_slots_and_its_limit
        a_claim_takes_what_was_due_first
        the_highest_priority_comes_first
        a_workflow_may_be_wanted_twice
        a_claim_tells_when_the_next_run_is_due
        a_lease_that_ended_is_given_to_the_next
        a_renewed_lease_lasts
        a_released_run_is_due_at_once
        a_renewal_tells_what_is_lost_and_what_has_messages
        claims_are_counted_until_a_commit
        the_runs_of_a_dead_session_are_due_at_once
        a_sleeping_run_is_due_at_its_time;
    limiting:
        no_more_runs_are_lent_than_a_workflow_may_have
        both_limits_hold_at_once
        runs_of_one_key_follow_each_other
        a_worker_that_dies_leaves_its_places
        the_most_urgent_of_a_key_comes_next
        a_message_lets_no_run_through_a_gate
        the_next_of_each_version_may_come
        a_higher_limit_lets_more_runs_through
        a_run_with_a_key_is_not_lent_at_its_birth
        limits_hold_and_no_run_is_forgotten_with_many_workers;
    pacing:
        no_more_runs_begin_than_a_workflow_may_in_its_time
        what_has_begun_is_not_held_up
        those_that_wait_begin_in_their_order
        a_run_that_waits_leaves_its_turn_to_the_next_of_its_key
        a_busy_key_does_not_hold_up_others
        one_that_takes_the_turn_of_another_is_told
        a_run_begins_once
        a_run_that_has_not_begun_may_be_told_so
        a_message_lets_no_run_begin
        all_may_begin_where_there_is_no_rate_any_more
        an_old_worker_begins_what_it_can_run
        a_rate_holds_and_no_run_is_forgotten_with_many_workers;
    committing:
        a_commit_changes_what_it_names_and_nothing_else
        a_commit_sent_again_is_done_and_changes_nothing
        a_stale_token_is_lost_at_an_equal_revision
        a_stale_revision_is_lost
        a_late_commit_applies_if_nobody_has_claimed
        a_lease_that_was_given_back_commits_nothing
        a_lost_commit_leaves_no_trace
        a_poisoned_item_harms_no_other
        a_batch_is_applied_in_its_order
        parts_and_attributes_are_set_and_removed
        an_ended_run_is_never_due;
    messages:
        a_message_wakes_a_resting_run
        a_message_that_came_before_the_rest_wakes_the_run
        a_message_between_claim_and_load_is_seen_by_the_load_only
        a_seen_message_lets_the_run_rest
        a_message_leaves_lease_and_revision_alone
        messages_come_in_order_and_stay_until_they_are_consumed
        a_key_is_taken_once
        messages_without_a_key_are_never_duplicates
        a_full_inbox_refuses
        what_cannot_be_delivered_is_told
        ten_thousand_messages_are_kept;
    effects:
        effects_are_applied_with_their_commit
        a_lost_commit_has_no_effects
        a_commit_sent_again_repeats_no_effects
        parent_and_child_commit_in_one_batch
        an_effect_redelivered_after_its_consumption_is_a_duplicate
        a_message_to_oneself_is_received
        an_effect_goes_into_a_full_inbox
        a_start_under_a_taken_id_stays_owed
        owed_effects_are_found_by_the_next_claim;
    looking:
        load_reads_as_deep_as_it_is_told
        history_is_read_from_the_newest_back
        history_is_bounded
        lists_are_filtered_and_paged
        attributes_are_shown_with_their_runs
        counting_stops_at_its_cap
        the_stores_clock_stamps_everything
        another_connection_sees_everything;
    purging:
        only_ended_runs_are_purged
        what_ended_first_is_purged_first
        of_two_purges_at_once_each_run_is_counted_once
        a_run_with_living_children_is_not_purged
        a_purged_id_begins_a_new_life;
    racing:
        a_message_that_races_a_rest_is_found
        no_message_is_lost_between_a_sender_and_a_resting_run
        crossing_batches_all_land
        of_two_commits_at_one_revision_one_applies;
    transacting:
        a_commit_in_a_transaction_is_the_ordinary_one
        a_transaction_that_is_dropped_leaves_nothing
        a_stale_token_is_lost_in_a_transaction
        what_became_of_a_commit_in_a_transaction_is_told_afterwards;
    waking:
        a_listener_hears_of_due_runs_bells_and_ends;
}
