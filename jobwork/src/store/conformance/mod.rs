//! The promises of a store, each as a test that any store can be put to.
//!
//! ```
//! use std::sync::Arc;
//! use jobwork::store::memory::Memory;
//!
//! // One `#[tokio::test]` a promise, in a module of this name.
//! jobwork::store_conformance!(memory, async { (Arc::new(Memory::new()), ()) });
//! ```
//!
//! Time is given to every call, so nothing here sleeps. A case fails by a panic that says what was expected.

/// Batches and what is added to them.
pub mod batch;
/// The life of a worker.
pub mod beat;
/// What becomes of a batch's members, and who is called back.
pub mod callback;
/// Cancelling by hand.
pub mod cancel;
mod case;
/// Jobs that wait for jobs.
pub mod chain;
/// Handing out jobs.
pub mod claim;
/// Many tasks at once.
pub mod concurrency;
/// Forgetting jobs.
pub mod delete;
/// Jobs whose time is over.
pub mod expire;
/// Finding jobs, and moving them to other queues.
pub mod filter;
/// Outcomes and the leases that allow them.
pub mod finish;
/// Looking at jobs.
pub mod inspect;
/// How many jobs of a key run at once.
pub mod limit;
/// Batches in batches.
pub mod nested;
/// What running jobs say about themselves.
pub mod note;
/// Which jobs come first, and of which queue how many.
pub mod order;
/// Jobs that run one after the other.
pub mod ordered;
/// Jobs that are held back by hand, and queues with limits.
pub mod pause;
/// Forgetting jobs that were kept long enough.
pub mod prune;
/// New jobs.
pub mod push;
/// How many jobs of a key start in a time.
pub mod rate;
/// Retrying by hand.
pub mod replace;
/// The jobs of dead workers.
pub mod rescue;
pub mod retry;
/// Schedules and their ticks.
pub mod schedule;
/// Claims that wait.
pub mod standing;
/// Jobs that count as one.
pub mod unique;
/// Hints.
pub mod wakeup;
pub mod walk;

/// Tests a store: makes a module of this name with one `#[tokio::test]` for each promise of a store.
///
/// The second argument is a future that makes a fresh, empty store for one test: a pair of an [`Arc`](std::sync::Arc) of
/// the store and whatever must outlive it, such as a temporary directory (`()` where nothing must). The crate that
/// calls it needs tokio with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! store_conformance {
    ($module:ident, $fresh:expr $(,)?) => {
        $crate::__store_conformance! { $module, $fresh;
            push {
                ids_come_in_the_order_of_the_jobs
                ids_sort_by_dispatch_and_never_repeat
                a_push_of_nothing_stores_nothing
                a_pushed_job_is_as_it_was_given
                the_times_and_the_version_of_a_job_are_as_they_were_given
                a_pushed_job_is_ready_and_has_no_past
                a_job_with_a_time_to_come_is_scheduled_until_then
                a_job_with_a_time_that_has_passed_is_ready
                a_job_that_waits_for_another_is_waiting
                a_wait_for_a_later_job_is_refused
                a_wait_for_itself_is_refused
                a_wait_for_a_job_outside_the_push_is_refused
                a_chain_without_its_first_member_is_refused
                a_thousand_jobs_in_one_push_are_all_stored
                a_megabyte_of_arguments_comes_back_as_it_was
                text_of_every_script_comes_back_as_it_was
                arguments_that_are_no_json_are_kept_as_they_are
                numbers_at_their_limits_come_back_as_they_were
                odd_queue_names_are_kept_apart
                chains_of_one_push_are_kept_apart
            }
            claim {
                a_claimed_job_is_as_it_was_given
                a_claimed_job_is_running_and_knows_its_worker
                a_job_is_never_handed_out_twice
                a_claim_gives_at_most_its_limit
                a_claim_gives_no_more_bytes_than_a_worker_can_hold_ahead
                a_higher_priority_is_claimed_first
                within_a_priority_the_longest_due_is_claimed_first
                within_a_time_the_first_dispatched_is_claimed_first
                queues_are_emptied_in_the_order_of_the_claim
                a_queue_that_is_not_asked_for_is_left_alone
                a_claim_without_queues_serves_every_queue
                a_name_the_worker_lacks_is_left_for_one_that_has_it
                arguments_newer_than_the_worker_are_left_for_one_that_knows_them
                jobs_of_other_names_hide_nothing_behind_them
                a_worker_without_names_claims_nothing
                a_scheduled_job_is_claimed_at_its_time_and_not_before
                an_urgent_job_that_is_not_due_holds_up_nobody
                a_waiting_job_is_not_claimed
                next_due_is_when_the_next_job_falls_due
                next_due_is_only_of_jobs_the_worker_could_claim
                next_due_is_none_when_nothing_is_scheduled
                a_worker_that_never_joined_claims_nothing
                a_worker_that_left_claims_nothing
                a_worker_that_was_declared_dead_claims_nothing
            }
            standing {
                a_job_that_is_handed_over_runs_under_its_lease
                the_most_urgent_are_handed_over_first_and_no_more_than_were_asked_for
                a_worker_is_not_handed_what_it_does_not_serve
                who_was_handed_jobs_finds_all_that_is_ready_or_hears_that_there_is_more
                what_is_due_later_is_not_handed_over
                who_listens_and_was_handed_nothing_is_woken_all_the_same
                two_that_wait_are_not_handed_one_job
                what_was_handed_to_a_claim_that_is_dropped_is_given_back
                what_is_handed_over_after_an_answer_comes_with_the_next_claim
                a_claim_of_no_jobs_ends_what_is_handed_over
                who_got_all_it_could_get_is_told_of_what_is_left
                who_is_handed_something_is_told_when_the_next_job_is_due
                what_is_handed_over_comes_in_the_order_of_the_queues_and_within_their_caps
            }
            order {
                a_job_that_waited_long_enough_overtakes_a_more_urgent_one
                nothing_ages_where_the_claim_does_not_say_so
                a_job_ages_from_when_it_is_due
                a_job_of_low_priority_does_not_wait_for_ever_where_jobs_age
                jobs_that_aged_are_handed_out_in_order_and_within_the_limit
                jobs_that_aged_are_still_handed_out_queue_by_queue
                a_claim_where_jobs_age_says_when_the_next_is_due
                a_claim_takes_no_more_of_a_queue_than_its_cap
                a_queue_with_a_cap_of_none_is_left_alone
                a_claim_of_every_queue_heeds_caps_too
                a_cap_takes_the_most_urgent_of_the_queue
                a_full_queue_keeps_nobody_from_hearing_when_the_next_job_is_due
            }
            expire {
                an_expired_job_is_not_handed_out_but_discarded
                a_job_is_handed_out_until_it_expires
                expired_jobs_take_no_place_in_a_claim
                claims_get_past_thousands_of_expired_jobs
                an_expired_job_of_a_name_the_worker_lacks_hides_nothing
                a_job_that_nobody_claims_expires
                a_scheduled_job_can_expire_before_its_time
                a_job_expires_before_its_retry
                a_running_job_does_not_expire
                a_job_that_ended_does_not_expire
                the_rest_of_the_chain_is_cancelled_with_an_expired_member
                a_waiting_member_expires_and_the_one_before_it_runs_on
                a_chain_whose_members_all_expired_ends_with_the_first
                upkeep_ends_at_most_its_limit_those_first_that_expired_first
                an_expired_job_retried_by_hand_runs
                an_expired_chain_retried_by_hand_runs_to_its_end
                a_retry_by_hand_keeps_the_times_that_have_not_passed
                an_expiry_wakes_those_who_wait_for_results
                ageing_and_caps_hand_out_no_expired_job
                an_expired_job_gives_its_unique_key_back
                an_expired_job_lets_the_next_of_its_ordered_key_go
            }
            finish {
                a_completed_job_keeps_its_output
                a_success_leaves_no_entry_in_the_history
                an_outcome_keeps_the_time_at_which_it_happened
                a_failed_job_is_scheduled_for_its_next_attempt
                a_failure_is_kept_in_the_history
                the_history_is_told_oldest_first_in_the_outcomes_words
                a_snoozed_job_waits_its_time_and_uses_no_attempt
                a_job_handed_back_is_ready_at_once_and_uses_no_attempt
                a_job_handed_back_keeps_its_place_in_the_line
                a_second_attempt_handed_back_stays_the_second
                a_cancelled_job_is_final
                a_discarded_job_keeps_its_own_word
                a_dead_job_says_why_and_keeps_its_arguments
                an_outcome_from_another_worker_is_lost_and_changes_nothing
                an_outcome_of_another_attempt_is_lost_and_changes_nothing
                an_outcome_of_a_job_that_does_not_run_is_lost_and_changes_nothing
                an_outcome_of_an_unknown_job_is_lost
                an_outcome_is_written_once
                an_outcome_of_an_earlier_claim_with_the_same_attempt_is_lost
                of_two_outcomes_in_one_batch_the_first_is_written
                a_batch_settles_each_outcome_by_itself
                an_empty_batch_settles_nothing
                a_megabyte_of_output_comes_back_as_it_was
                many_attempts_are_all_counted_and_kept
            }
            chain {
                every_member_exists_from_dispatch
                a_claimed_member_knows_its_place
                a_success_releases_the_next_with_the_output_in_its_place
                a_chain_runs_to_its_end_in_order
                the_other_arguments_of_a_member_stay
                a_member_without_a_slot_keeps_its_arguments
                a_released_member_still_waits_for_its_own_time
                a_released_member_goes_where_it_was_dispatched_to
                the_rest_waits_while_a_member_has_retries_left
                the_rest_waits_while_a_member_is_snoozed
                the_rest_waits_while_a_member_is_handed_back
                the_rest_waits_while_a_member_is_given_back_by_a_leaving_worker
                the_rest_waits_while_a_member_is_rescued
                a_dead_member_blocks_the_rest_whatever_it_died_of
                a_member_that_died_as_a_poison_pill_blocks_the_rest
                retrying_the_dead_member_resumes_the_chain
                a_cancelled_member_cancels_the_rest_with_the_reason
                a_discarded_member_cancels_the_rest_with_the_reason
                a_chain_whose_first_is_ready_is_cancelled_whole_at_once
                cancelling_the_first_cancels_the_rest
                a_chain_cancelled_while_a_member_runs_releases_nobody
                a_chain_cancelled_while_a_member_runs_ends_cancelled
                the_rest_waits_until_a_running_member_is_really_cancelled
                a_member_that_completes_before_it_hears_of_its_cancel_releases_the_next
                a_member_cancelled_before_its_retry_cancels_the_rest
                cancelling_a_waiting_member_cancels_those_after_it_and_not_before
                cancelling_the_rest_of_a_blocked_chain_ends_it
                a_member_that_can_not_take_the_output_is_dead_as_undecodable
                a_job_that_waits_for_several_is_released_by_the_last
                a_job_that_waits_for_several_is_cancelled_with_the_first_of_them
                everybody_who_waits_for_a_job_is_released
                one_output_can_fill_two_places
                two_members_of_a_batch_can_settle_in_one_write
                a_chain_of_a_thousand_is_blocked_and_cancelled_whole
            }
            batch {
                a_stored_batch_is_as_it_was_given
                callbacks_wait_from_dispatch_and_are_no_members
                members_and_callbacks_know_their_batch
                a_member_added_to_an_open_batch_is_one_more_to_count
                a_running_member_can_add_after_complete_was_called_back
                a_closed_batch_takes_nothing_more
                an_unknown_batch_is_refused
                a_member_left_out_as_a_duplicate_is_not_counted
                a_callback_can_not_be_left_out_as_a_duplicate
                a_batch_that_is_cancelled_ends
                an_empty_batch_completes_and_succeeds_at_once
                what_a_batch_is_comes_back_as_it_was
                a_batch_of_nothing_at_all_is_stored
                batches_of_one_push_are_kept_apart
                a_push_whose_batches_do_not_fit_is_refused
                batches_are_listed_newest_first_page_by_page
                a_batch_is_forgotten_with_the_last_of_its_jobs
                ten_thousand_members_of_one_push_are_counted_exactly
                members_that_end_at_once_are_counted_once
            }
            callback {
                a_member_that_completes_counts
                where_all_succeed_the_death_callback_is_cancelled_for_good
                a_member_that_fails_the_first_time_has_run_once
                a_dead_member_counts_and_blocks_the_success_whatever_it_died_of
                a_member_that_died_as_a_poison_pill_counts_as_dead
                a_member_that_can_not_take_an_output_counts_as_dead
                a_death_is_called_back_once
                retrying_the_dead_member_and_its_success_let_the_success_go
                a_member_cancelled_by_hand_counts_and_cancels_the_success
                a_member_cancelled_by_its_signal_counts_and_cancels_the_success
                a_member_that_discards_itself_counts_and_cancels_the_success
                a_member_that_expires_counts_and_cancels_the_success
                a_member_that_is_deleted_counts_and_cancels_the_success
                deleting_a_dead_member_cancels_the_success
                deleting_a_member_that_succeeded_changes_nothing
                a_success_cancelled_by_hand_stays_cancelled
                a_second_cancelled_member_keeps_the_success_cancelled
                a_member_that_was_given_back_has_not_run
                a_member_given_back_after_it_failed_has_run
                a_scheduled_member_is_waited_for
                every_member_of_a_chain_is_waited_for
                a_chain_that_is_cancelled_and_retried_is_counted_member_by_member
                the_rest_of_a_chain_that_is_dead_is_still_waited_for
                nothing_is_called_back_twice
                a_callback_keeps_its_own_time
                one_job_can_be_called_back_for_two_things_together
            }
            nested {
                a_batch_in_a_batch_is_one_member
                complete_and_success_wait_for_those_of_the_inner_batch
                a_first_run_in_the_inner_batch_completes_the_outer_one
                a_death_in_the_inner_batch_is_called_back_by_both
                a_cancelled_job_of_the_inner_batch_cancels_both_successes_until_it_is_retried
                an_empty_inner_batch_counts_at_once
                a_batch_can_be_added_to_an_open_one
                a_batch_can_not_be_added_to_a_closed_one
                an_outer_batch_is_open_while_a_job_of_the_inner_one_runs
                a_thousand_batches_in_each_other_end_together
                an_outer_batch_is_forgotten_with_its_inner_one
            }
            beat {
                a_worker_that_joined_is_listed
                several_workers_are_listed_each_once
                a_beat_renews_the_lease_and_tells_what_the_worker_does
                a_worker_that_beats_is_never_taken_for_dead
                a_late_beat_saves_a_worker_that_nobody_declared_dead
                a_worker_that_was_declared_dead_is_told_so
                a_beat_of_an_unknown_worker_is_told_gone
                a_worker_that_leaves_is_forgotten
                a_worker_that_leaves_gives_its_jobs_back_at_once
                leaving_never_makes_a_poison_pill
                a_job_to_be_cancelled_is_cancelled_when_its_worker_leaves
                a_worker_is_told_to_cancel_until_it_has
                a_worker_is_told_to_cancel_all_of_its_jobs_and_none_of_others
                a_command_is_told_once
                the_last_of_several_commands_counts
                a_command_for_no_worker_says_so
            }
            rescue {
                the_job_of_a_dead_worker_is_ready_again_and_loses_no_attempt
                a_rescue_is_counted_and_told_in_the_history
                a_worker_is_dead_when_its_lease_ends_and_not_before
                the_jobs_of_the_living_are_left_alone
                a_second_rescue_finds_nothing
                a_rescued_job_keeps_its_place_in_the_line
                the_late_outcome_of_a_dead_worker_is_lost
                the_outcome_of_a_late_worker_counts_while_nobody_rescued
                the_third_dead_worker_makes_a_poison_pill
                a_rescue_without_a_limit_makes_no_poison_pill
                a_poison_pill_retried_by_hand_starts_anew
                a_rescue_keeps_the_attempts_that_failed
                a_job_to_be_cancelled_is_cancelled_by_its_rescue
                a_hundred_jobs_of_many_dead_workers_are_all_rescued
            }
            cancel {
                a_job_that_does_not_run_is_cancelled_at_once
                a_running_job_is_asked_and_runs_on
                a_job_that_ended_stays_as_it_is
                the_answers_come_in_the_order_of_the_jobs
                a_job_to_be_cancelled_is_never_tried_again
                a_job_to_be_cancelled_that_ends_first_ends_as_it_says
                asking_to_cancel_takes_nobodys_lease
                cancelling_a_job_leaves_the_others_alone
            }
            retry {
                a_job_that_ended_is_ready_now_with_all_its_retries
                a_retry_keeps_the_history
                a_scheduled_job_is_ready_now
                a_job_that_is_on_its_way_is_left_alone
                a_retry_answers_in_the_order_of_the_jobs
                members_cancelled_with_a_revived_one_wait_again
                members_cancelled_by_hand_stay_cancelled
                a_revived_member_waits_for_what_it_still_waits_for
                a_member_revived_after_the_one_before_it_completed_has_its_output
                a_member_is_not_revived_before_what_it_waits_for
                a_dead_member_that_is_retried_and_dies_again_blocks_again
                a_member_that_completes_a_second_time_releases_nobody_twice
                a_completed_member_that_is_retried_and_cancelled_takes_nobody_along
                a_retried_job_keeps_its_queue_priority_and_arguments
                a_retry_of_a_scheduled_retry_leaves_the_rest_of_the_chain_waiting
                a_job_that_waits_for_several_is_revived_when_none_of_them_is_cancelled
                a_job_that_has_its_output_is_not_cancelled_with_a_retry_of_the_giver
                a_retried_job_has_its_key_again
                a_job_whose_key_another_has_is_not_retried
                a_job_retried_after_its_window_asks_for_no_key
                a_revived_member_whose_key_another_has_stays_cancelled_with_those_after_it
                a_revived_member_has_its_key_again
                a_job_that_keeps_its_key_when_ended_is_retried_with_it
                a_retried_job_takes_its_key_from_one_that_has_expired
                a_job_that_is_not_kept_is_gone_also_when_it_completes_after_a_retry
            }
            delete {
                a_deleted_job_is_forgotten
                a_job_in_any_state_but_running_can_be_deleted
                an_unknown_job_is_not_deleted
                members_that_waited_for_a_deleted_job_are_cancelled
                members_blocked_by_a_deleted_job_are_cancelled
                deleting_a_completed_member_leaves_the_rest_alone
                deleting_a_waiting_member_lets_the_one_before_it_run
                the_id_of_a_deleted_job_is_not_given_again
            }
            inspect {
                jobs_are_found_in_the_order_of_their_ids_in_the_question
                every_job_is_counted_in_its_state
                a_list_without_a_filter_has_every_job_newest_first
                a_list_can_be_of_some_states
                a_listed_job_is_as_it_is_when_asked_for
                a_list_can_be_of_a_queue_a_name_or_a_tag
                a_filter_takes_words_as_they_are_and_whole
                a_job_must_match_all_of_a_filter
                a_list_is_read_page_by_page
                a_page_can_be_read_on_from_a_job_that_was_deleted
                a_list_of_at_most_none_is_empty
                the_chain_of_a_job_by_itself_is_the_job
                the_chain_of_an_unknown_job_is_empty
                a_chain_is_told_in_order_from_any_member
                queues_are_told_by_name_with_what_they_hold
                a_queue_that_holds_only_ended_jobs_is_not_told
                a_queue_without_due_jobs_has_no_oldest
                the_history_of_an_unknown_job_is_empty
                looking_changes_nothing
            }
            unique {
                a_second_job_of_a_key_is_the_first
                a_job_tells_the_key_it_was_dispatched_with
                keys_are_taken_as_they_are_and_whole
                a_key_is_kept_while_the_job_may_run_again
                a_key_is_given_up_by_the_end_that_its_states_say
                a_key_is_given_up_when_the_job_is_cancelled_before_it_starts
                a_key_is_given_up_when_the_job_is_cancelled_with_its_chain
                a_poison_pill_gives_its_key_up
                a_key_until_the_start_is_given_up_for_good
                a_deleted_job_has_its_key_no_more
                a_key_is_given_up_when_its_window_is_over
                the_end_of_a_job_whose_window_is_over_leaves_the_next_holder_alone
                a_throttled_key_has_one_job_a_window
                a_conflict_that_is_an_error_stores_nothing
                a_conflict_that_is_an_error_undoes_what_the_push_replaced
                jobs_of_one_push_with_one_key_are_one_job
                two_jobs_of_a_push_with_a_key_that_may_not_conflict_are_refused
                ids_after_a_skipped_job_are_new_ones
                a_chain_one_of_whose_members_exists_is_refused
                a_job_that_others_wait_for_is_not_left_out
                the_key_of_a_member_is_its_own_from_dispatch_on
                a_thousand_keys_in_one_push_are_told_apart
                a_running_holder_lets_no_second_in_and_its_end_does
                a_holder_that_has_expired_makes_room
            }
            replace {
                a_debounced_job_takes_the_last_arguments_and_time
                a_conflict_replaces_what_it_names_and_nothing_else
                a_schedule_that_is_replaced_by_none_is_at_once
                a_job_that_waits_for_its_next_attempt_is_replaced
                a_job_that_runs_or_has_ended_is_not_replaced
                a_job_of_another_name_is_not_replaced
                a_waiting_job_is_replaced_and_still_waits
            }
            ordered {
                jobs_of_a_key_run_one_after_the_other
                a_job_tells_the_key_of_its_order
                other_keys_and_jobs_without_one_are_not_held_up
                every_end_lets_the_next_go
                a_job_that_may_run_again_holds_up_those_behind_it
                a_poison_pill_lets_the_next_go
                a_job_due_later_holds_up_those_behind_it
                the_next_still_waits_for_its_own_time
                an_urgent_job_does_not_overtake_in_its_order
                cancelling_the_first_lets_the_next_go_and_cancels_nobody_else
                cancelling_one_in_the_middle_lets_nobody_go
                deleting_the_first_lets_the_next_go
                deleting_one_that_has_ended_lets_nobody_go
                a_line_cancelled_whole_leaves_nothing_behind
                a_job_retried_after_its_end_runs_next_and_beside_nobody
                a_job_retried_when_its_order_is_empty_is_ready
                a_job_cancelled_in_line_and_retried_waits_again
                the_members_of_a_chain_can_be_in_one_order
                a_member_waits_for_its_turn_and_for_its_chain
                a_member_whose_turn_has_come_holds_its_order_until_it_has_ended
                members_cancelled_in_line_with_their_chain_let_the_next_go
                a_dead_member_retried_before_one_that_waits_for_it_is_not_behind_it
                a_retried_job_that_still_waits_for_its_chain_has_its_place
                a_thousand_of_one_key_run_in_order
                an_expired_job_lets_the_next_go
                whom_an_expired_job_lets_go_is_not_lost_among_those_that_are_claimed
                a_completed_job_that_is_forgotten_leaves_alone_who_has_its_output_and_waits_for_its_turn
            }
            schedule {
                a_declared_schedule_is_as_it_was_given
                a_schedule_begins_when_it_is_declared_first
                an_expression_that_changed_in_code_is_due_from_now_on
                a_schedule_that_is_not_declared_again_stays
                a_tick_stores_its_jobs_and_is_past
                a_tick_stores_its_jobs_once
                a_tick_that_came_before_the_schedule_stores_nothing
                a_tick_may_store_a_chain_or_nothing
                a_tick_whose_jobs_are_refused_is_not_past
                a_tick_of_another_expression_stores_nothing
                a_paused_schedule_stores_nothing_until_it_is_resumed
                resuming_what_is_not_paused_changes_nothing
                an_edit_by_hand_outlives_what_the_code_says
                a_run_that_was_asked_for_is_made_once
                a_paused_schedule_runs_when_it_is_asked_to
                a_removed_schedule_is_forgotten_until_it_is_declared_again
                a_schedule_that_is_not_there_can_not_be_changed
            }
            limit {
                no_more_jobs_of_a_key_run_than_its_limit
                a_job_over_its_limit_is_passed_over
                a_job_over_its_limit_is_ready_and_told_what_holds_it
                every_way_out_of_running_frees_its_place
                the_jobs_of_a_dead_worker_free_their_places
                a_poison_pill_frees_its_place
                a_worker_that_leaves_frees_the_places_of_its_jobs
                an_outcome_that_comes_too_late_frees_nothing
                a_job_with_several_limits_needs_them_all_and_takes_from_none_otherwise
                of_those_that_were_held_the_most_urgent_is_next
                a_job_dispatched_later_does_not_overtake_those_that_are_held
                a_held_job_that_nobody_performs_holds_up_no_other_of_its_key
                a_candidate_that_is_cancelled_or_deleted_makes_way_for_the_next
                a_held_job_can_be_cancelled_and_deleted
                held_jobs_are_counted_and_listed_as_ready
                a_scheduled_job_is_held_only_when_it_is_due
                a_retried_job_keeps_its_limits
                a_member_of_a_chain_keeps_its_limits
                a_place_that_is_freed_wakes_those_who_wait_for_jobs
                held_jobs_cost_later_claims_nothing_and_ask_for_no_polling
                limits_under_which_nothing_could_run_are_refused
            }
            walk {
                whatever_happens_no_limit_is_exceeded_and_everything_is_drained
            }
            rate {
                a_full_bucket_gives_its_count_at_once_and_the_rest_in_time
                a_bucket_never_holds_more_than_its_count
                an_outcome_returns_no_token
                a_job_over_its_rate_is_passed_over_and_says_when_to_look
                a_fast_rate_asks_for_no_busy_polling_and_loses_nothing
                a_job_that_one_limit_holds_takes_no_token_of_the_other
                one_key_may_have_a_rate_and_a_concurrency
                a_job_that_was_never_begun_is_as_if_it_had_not_been_claimed
                a_rate_limited_job_uses_no_attempt_and_is_told_in_the_history
                a_rate_limited_job_holds_the_others_of_its_rate_keys
                a_newer_limit_counts_for_the_jobs_that_carry_it
            }
            pause {
                nothing_of_a_paused_target_is_handed_out_until_it_is_resumed
                a_pause_holds_up_nobody_else
                a_pause_ends_by_itself_at_its_time
                a_second_pause_takes_the_place_of_the_first
                what_runs_goes_on_through_a_pause
                jobs_that_a_pause_held_come_in_their_order
                a_resume_wakes_those_who_wait_for_jobs
                a_queue_runs_no_more_at_once_than_its_limit
                a_queue_starts_no_more_in_a_time_than_its_limit
                a_limit_counts_the_jobs_of_the_queue_that_run_already
                an_empty_limit_sets_a_queue_free
                a_limit_set_by_hand_holds_until_a_start_that_names_another
                a_limit_under_which_nothing_could_run_is_refused
            }
            note {
                a_job_without_notes_has_none
                progress_is_seen_at_once_and_the_latest_counts
                progress_stays_when_the_job_has_ended
                a_note_leaves_what_it_does_not_speak_of
                the_latest_checkpoint_is_given_to_the_next_run_whatever_ended_the_last
                a_rescued_job_finds_its_checkpoint
                a_job_of_a_worker_that_left_finds_its_checkpoint
                a_retry_by_hand_goes_on_from_the_checkpoint
                a_completed_job_that_is_retried_begins_anew
                a_log_is_told_in_order_with_the_attempts
                a_log_keeps_its_newest_lines
                a_note_counts_only_under_the_lease_of_the_running_job
                no_notes_are_written_of_nothing
                notes_go_with_their_job
                notes_of_one_job_are_kept_from_others
                a_megabyte_of_checkpoint_comes_back_as_it_was
            }
            prune {
                a_job_is_kept_for_its_states_time_and_no_longer
                the_newest_of_each_name_and_state_are_kept_by_count
                the_count_and_the_age_hold_both
                a_jobs_own_time_counts_and_no_other
                a_name_can_have_a_rule_of_its_own
                a_job_of_a_clock_that_ran_ahead_keeps_no_other_from_being_pruned
                a_completed_job_is_counted_until_it_is_retried_deleted_or_pruned
                what_has_not_ended_is_never_pruned
                a_job_that_was_retried_is_kept_anew
                a_step_prunes_at_most_its_limit_the_oldest_first
                a_pruned_job_takes_all_that_was_kept_of_it_along
                pruning_a_completed_member_leaves_the_rest_waiting
                pruning_a_dead_member_cancels_those_it_blocked
                a_job_that_is_kept_for_no_time_is_gone_when_it_completes
                ended_jobs_are_counted_whatever_they_say_of_their_time
                the_default_keeps_a_week_and_the_dead_half_a_year
                pruners_at_once_forget_each_job_once
            }
            filter {
                all_tags_of_a_filter_must_be_there
                jobs_are_found_by_the_time_of_their_dispatch
                jobs_are_found_by_the_time_of_their_end
                jobs_are_found_by_the_text_of_their_error_in_any_case_of_letters
                an_error_with_a_zero_byte_comes_back_as_it_was_and_hides_no_other
                a_job_that_does_not_run_is_moved_as_it_is
                an_ended_job_is_retried_in_its_new_queue
                a_job_that_runs_or_can_not_be_retried_or_is_unknown_is_not_moved
                a_moved_job_wakes_those_who_wait_for_jobs
            }
            wakeup {
                a_push_wakes_those_who_wait_for_jobs
                a_sleeper_is_woken
                everybody_who_waits_is_woken
                an_outcome_that_makes_a_job_ready_wakes_those_who_wait_for_jobs
                a_released_member_wakes_those_who_wait_for_jobs
                a_retry_by_hand_wakes_those_who_wait_for_jobs
                a_rescue_wakes_those_who_wait_for_jobs_and_the_worker_taken_for_dead
                a_worker_that_leaves_with_jobs_wakes_those_who_wait_for_jobs
                every_end_wakes_those_who_wait_for_results
                an_end_by_hand_wakes_those_who_wait_for_results
                a_poison_pill_wakes_those_who_wait_for_results
                a_cancel_of_a_running_job_wakes_its_worker
                a_command_wakes_its_worker
                what_a_wake_up_is_about_can_be_seen_when_it_comes
            }
            concurrency {
                claimers_at_once_never_share_a_job
                dispatchers_at_once_lose_nothing
                dispatchers_and_claimers_at_once_run_each_job_once
                of_outcomes_at_once_one_is_written
                a_job_awaiting_many_is_released_once_when_they_end_at_once
                rescuers_at_once_rescue_a_job_once
                of_retries_at_once_one_does_it
                of_cancels_at_once_one_does_it
                a_job_claimed_and_cancelled_at_once_is_one_or_the_other
                dispatchers_of_one_key_at_once_make_one_job
                a_refused_dispatch_leaves_those_beside_it_alone
                a_key_changes_hands_between_dispatchers_and_claimers_at_once
                jobs_of_one_order_never_run_together
                a_tick_seen_by_many_at_once_stores_its_jobs_once
            }
        }
    };
}

// Not public API. One module a verb, one test a case.
#[doc(hidden)]
#[macro_export]
macro_rules! __store_conformance {
    ($module:ident, $fresh:expr; $($verb:ident { $($case:ident)* })*) => {
        mod $module {
            $(mod $verb {
                #[allow(unused_imports, reason = "the future that makes a store may need nothing from around it")]
                use super::super::*;

                $(#[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let (store, _outlives_it) = $fresh.await;
                    $crate::store::conformance::$verb::$case(store).await;
                })*
            })*
        }
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_in_the_list() {
        let files = [
            ("push", include_str!("push.rs")),
            ("claim", include_str!("claim.rs")),
            ("standing", include_str!("standing.rs")),
            ("finish", include_str!("finish.rs")),
            ("chain", include_str!("chain.rs")),
            ("batch", include_str!("batch.rs")),
            ("callback", include_str!("callback.rs")),
            ("nested", include_str!("nested.rs")),
            ("beat", include_str!("beat.rs")),
            ("rescue", include_str!("rescue.rs")),
            ("cancel", include_str!("cancel.rs")),
            ("retry", include_str!("retry.rs")),
            ("delete", include_str!("delete.rs")),
            ("inspect", include_str!("inspect.rs")),
            ("unique", include_str!("unique.rs")),
            ("replace", include_str!("replace.rs")),
            ("ordered", include_str!("ordered.rs")),
            ("schedule", include_str!("schedule.rs")),
            ("limit", include_str!("limit.rs")),
            ("walk", include_str!("walk.rs")),
            ("rate", include_str!("rate.rs")),
            ("pause", include_str!("pause.rs")),
            ("note", include_str!("note.rs")),
            ("prune", include_str!("prune.rs")),
            ("filter", include_str!("filter.rs")),
            ("wakeup", include_str!("wakeup.rs")),
            ("concurrency", include_str!("concurrency.rs")),
        ];
        let list = include_str!("mod.rs");
        for (verb, file) in files {
            let (_, of_verb) = list.split_once(&format!("            {verb} {{")).expect("the verb is in the list");
            let listed: Vec<&str> = of_verb.split('}').next().unwrap_or_default().split_whitespace().collect();
            let written = file.lines().filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
            assert_eq!(listed, written.collect::<Vec<_>>(), "in {verb}.rs");
        }
    }
}
