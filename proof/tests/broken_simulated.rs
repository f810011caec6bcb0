//! The twins in the simulation: some seed shows each of them soon. Its jobs end too early for one that is not told to stop, and the chains of a
//! place have all the same values.

use std::sync::Arc;

use jobwork_proof::broken::{
    Broken, ClaimsTwice, DropsOutcomes, Flaw, Forgetful, NeverRescues, ReleasesEarly, RescueCostsAnAttempt,
    RunsCancelled, SameId, Unfenced, WrongState,
};
use jobwork_proof::checker::check;
use jobwork_proof::simulation;

/// So many seeds are played at most.
const SEEDS: u64 = 60;

fn assert_noticed<F: Flaw>(flaw: fn() -> F, rule: &str) {
    let breaks = |seed: &u64| {
        let lines = simulation::run(*seed, &|store| Arc::new(Broken::new(store, flaw())));
        check(&lines).broken().contains(&rule)
    };
    assert!((0..SEEDS).any(|seed| breaks(&seed)), "no seed breaks `{rule}`");
}

#[test]
fn some_seed_loses_what_was_never_stored_or_is_never_rescued() {
    assert_noticed(Forgetful::default, "lost");
    assert_noticed(NeverRescues::default, "lost");
}

#[test]
fn some_seed_runs_a_job_after_its_end() {
    assert_noticed(RunsCancelled::default, "ran_after_end");
    assert_noticed(DropsOutcomes::default, "ran_after_end");
}

#[test]
fn some_seed_has_a_late_writer() {
    assert_noticed(Unfenced::default, "fenced");
}

#[test]
fn some_seed_has_two_owners_of_a_job() {
    assert_noticed(ClaimsTwice::default, "one_owner");
}

#[test]
fn some_seed_counts_a_rescue_as_an_attempt() {
    assert_noticed(RescueCostsAnAttempt::default, "attempts");
}

#[test]
fn some_seed_runs_a_chain_out_of_order() {
    assert_noticed(ReleasesEarly::default, "chains");
}

#[test]
fn some_seed_gives_an_id_twice() {
    assert_noticed(SameId::default, "unique_ids");
}

#[test]
fn some_seed_stores_a_job_in_another_state() {
    assert_noticed(WrongState::default, "agrees");
}
