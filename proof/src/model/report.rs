use super::explore::{Broken, explore, explore_twin};
use super::guard::{TWINS, Twin};
use super::law::Law;
use super::scenario::SCENARIOS;

/// Explores every scenario, and prints how many states each has and which laws hold; says whether all of them do.
#[must_use]
pub fn show(threads: usize) -> bool {
    println!("Looked at in every step:");
    Law::ALL.iter().for_each(|law| println!("  {:<9} {}", law.sentence(), law.name()));
    let mut all_hold = true;
    for scenario in SCENARIOS {
        println!("\n{}: {}", scenario.name, scenario.about);
        let explored = explore(scenario, threads);
        println!(
            "  {} states, all of them at most {} steps away, in {:.1?}",
            explored.states, explored.depth, explored.took
        );
        println!("  seen: {}", explored.possible.join("; "));
        explored.broken.iter().for_each(show_broken);
        all_hold &= explored.broken.is_empty();
    }
    println!("\n{}", if all_hold { "All laws hold." } else { "Laws are broken." });
    all_hold
}

/// Shows how the twin of this name breaks its law, or each of `all`; says whether they do, and there is one.
#[must_use]
pub fn show_twins(name: &str) -> bool {
    let twins: Vec<&Twin> = TWINS.iter().filter(|twin| name == "all" || twin.name == name).collect();
    if twins.is_empty() {
        println!("There is no twin {name}. There are:");
        TWINS.iter().for_each(|twin| println!("  {:<22} {}", twin.name, twin.fault));
        return false;
    }
    twins.into_iter().map(show_twin).fold(true, |all, broken| all & broken)
}

fn show_twin(twin: &Twin) -> bool {
    println!("{}: {}", twin.name, twin.fault);
    let explored = explore_twin(twin);
    let first = explored.breaks_first(twin.breaks);
    first.into_iter().for_each(show_broken);
    println!("  found among {} states of the scenario {}, in {:.1?}\n", explored.states, twin.scenario, explored.took);
    first.is_some()
}

fn show_broken(broken: &Broken) {
    println!("  broken: {} ({})", broken.law.name(), broken.law.sentence());
    for (place, step) in broken.steps.iter().enumerate() {
        println!("  {:>4}. {step}", place + 1);
    }
    broken
        .state
        .store
        .jobs
        .iter()
        .enumerate()
        .for_each(|(number, job)| println!("  job {number} is {:?} then", job.state));
}
