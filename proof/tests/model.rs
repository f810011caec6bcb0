//! The model of the protocol: every state of it, and its broken twins.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use jobwork_proof::model::{
    Explored, Law, POSSIBLE, Protocol, SCENARIOS, Scenario, State, TWINS, explore, explore_twin,
};
use stateright::Model;

static EXPLORED: LazyLock<Vec<(&Scenario, Explored)>> =
    LazyLock::new(|| SCENARIOS.iter().map(|scenario| (scenario, explore(scenario, 2))).collect());

#[test]
fn every_law_holds_in_every_state() {
    for (scenario, explored) in &*EXPLORED {
        println!("{}: {} states in {:?}", scenario.name, explored.states, explored.took);
        assert!(explored.broken.is_empty(), "{}: {:#?}", scenario.name, explored.broken);
    }
}

#[test]
fn what_should_be_possible_is_seen() {
    for (possible, _) in POSSIBLE {
        assert!(EXPLORED.iter().any(|(_, explored)| explored.possible.contains(possible)), "never seen: {possible}");
    }
}

/// What "every job ends" rests on: that a job has ended where a way ends says something only if every way ends.
#[test]
fn every_way_comes_to_an_end() {
    for scenario in SCENARIOS {
        assert!(every_way_ends(&Protocol(scenario.clone())), "{}: a way leads back to where it was", scenario.name);
    }
}

#[test]
fn a_twin_breaks_the_law_that_its_guard_keeps() {
    for twin in TWINS {
        let explored = explore_twin(twin);
        let broken: Vec<(Law, usize)> = explored.broken.iter().map(|broken| (broken.law, broken.steps.len())).collect();
        assert!(
            explored.breaks_first(twin.breaks).is_some(),
            "{} breaks these, each in so many steps: {broken:?}",
            twin.name
        );
    }
}

#[test]
fn every_law_is_broken_by_a_twin() {
    for law in Law::ALL {
        assert!(TWINS.iter().any(|twin| twin.breaks == *law), "nothing shows that it can be broken: {}", law.name());
    }
}

/// Goes every way to its end, and looks whether it comes to a state that it has been in.
fn every_way_ends(protocol: &Protocol) -> bool {
    let (hasher, mut done, mut on_the_way) = (RandomState::new(), HashSet::new(), HashSet::new());
    let mut way: Vec<(u64, Vec<State>)> = vec![(0, protocol.init_states())];
    while let Some((at, next)) = way.last_mut() {
        let Some(state) = next.pop() else {
            on_the_way.remove(at);
            done.insert(*at);
            way.pop();
            continue;
        };
        let print = hasher.hash_one(&state);
        if on_the_way.contains(&print) {
            return false;
        }
        if !done.contains(&print) {
            on_the_way.insert(print);
            way.push((print, protocol.next_states(&state)));
        }
    }
    true
}
