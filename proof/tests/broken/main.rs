//! Each broken twin is noticed, by the rule that speaks of its guard and by no other.

mod jobs;
mod stage;

use std::sync::Arc;

use jobwork::store::Store;
use jobwork_proof::broken::{
    Broken, ClaimsTwice, DropsOutcomes, Flaw, Forgetful, ForgetsSignals, NeverRescues, ReleasesEarly,
    RescueCostsAnAttempt, RunsCancelled, SameId, Unfenced, WrongState, WrongValue,
};
use jobwork_proof::checker::{self, Verdict};

async fn play(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Verdict {
    checker::check(&stage::play(wrap).await)
}

#[track_caller]
fn assert_breaks(verdict: &Verdict, rule: &str) {
    assert_eq!(verdict.broken(), [rule], "{:#?}", verdict.violations);
}

async fn with(flaw: impl Flaw) -> Verdict {
    play(|store| Arc::new(Broken::new(store, flaw))).await
}

#[derive(Debug)]
struct Sound;

impl Flaw for Sound {}

#[tokio::test(start_paused = true)]
async fn a_sound_store_breaks_no_rule() {
    let verdict = play(|store| store).await;
    assert_eq!(verdict.violations, []);
    assert_eq!(with(Sound).await.violations, []);
    let tally = verdict.tally;
    assert_eq!((tally.rescued, tally.duplicates, tally.fenced, tally.unknown), (2, 2, 1, 0), "{tally}");
    assert_eq!(tally.ended, [("cancelled", 3), ("completed", 12)].into(), "{tally}");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_never_stored_is_lost() {
    assert_breaks(&with(Forgetful::default()).await, "lost");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_left_to_a_dead_worker_is_lost() {
    assert_breaks(&with(NeverRescues).await, "lost");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_cancelled_and_runs_has_run_after_its_end() {
    assert_breaks(&with(RunsCancelled).await, "ran_after_end");
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_success_is_dropped_runs_after_its_end() {
    assert_breaks(&with(DropsOutcomes::default()).await, "ran_after_end");
}

#[tokio::test(start_paused = true)]
async fn an_outcome_of_a_late_writer_is_not_fenced() {
    assert_breaks(&with(Unfenced::default()).await, "fenced");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_handed_out_twice_has_two_owners() {
    assert_breaks(&with(ClaimsTwice::default()).await, "one_owner");
}

#[tokio::test(start_paused = true)]
async fn a_death_that_costs_an_attempt_is_counted() {
    assert_breaks(&with(RescueCostsAnAttempt::default()).await, "attempts");
}

#[tokio::test(start_paused = true)]
async fn a_chain_whose_members_do_not_wait_is_out_of_order() {
    assert_breaks(&with(ReleasesEarly).await, "chains");
}

#[tokio::test(start_paused = true)]
async fn a_chain_whose_members_get_the_output_of_another_is_wrong() {
    assert_breaks(&with(WrongValue::default()).await, "chains");
}

#[tokio::test(start_paused = true)]
async fn an_id_that_is_given_twice_is_not_unique() {
    assert_breaks(&with(SameId::default()).await, "unique_ids");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_stored_in_another_state_does_not_agree() {
    assert_breaks(&with(WrongState).await, "agrees");
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_not_told_to_stop_has_no_signal() {
    assert_breaks(&with(ForgetsSignals).await, "signals");
}
