//! Runs of the simulation: workers, dispatchers and faults over a store in memory, all of it drawn from a seed.

use jobwork_proof::simulation::{play, play_each};

/// So many runs are played where `JOBWORK_SEEDS` says nothing else: on two cores they take under a minute.
const SEEDS: u64 = 2_000;

#[test]
fn a_seed_is_a_run() {
    for seed in 0..30 {
        let [one, two] = [(); 2].map(|()| play(seed, &|store| store).lines);
        let differs = one.iter().zip(&two).position(|(one, two)| one != two);
        assert_eq!(differs.map(|place| (&one[place], &two[place])), None, "seed {seed}, line {differs:?}");
        assert_eq!(one.len(), two.len(), "seed {seed}");
    }
}

#[test]
fn whatever_a_seed_disturbs_nothing_is_lost_and_everything_comes_to_its_end() {
    let seeds = std::env::var("JOBWORK_SEEDS").map_or(SEEDS, |count| count.parse().expect("JOBWORK_SEEDS is a number"));
    let tally = play_each(0..seeds);
    assert!(tally.wrong.is_empty(), "{} of {} seeds:\n{}", tally.wrong.len(), tally.runs, tally.wrong.join("\n"));
    println!("{} runs, {} lines", tally.runs, tally.lines);
}
