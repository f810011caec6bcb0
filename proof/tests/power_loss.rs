//! What was acknowledged survives a kill of the machine.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use jobwork_proof::power_loss::{Examination, Extent, Fault, Recording, Script};

/// All tests look at one recording.
static RECORDING: LazyLock<Recording> = LazyLock::new(|| {
    let script = Script { jobs: 150, seed: fastrand::u64(..), fill: false };
    println!("{script:?}");
    Recording::of(Path::new(env!("CARGO_BIN_EXE_proof")), &script).expect("power loss can be recorded")
});

/// The rules that a disk with this fault breaks.
fn broken(fault: Fault) -> BTreeSet<&'static str> {
    let extent = Extent { images: Some(300), first: true };
    let examination = Examination::of(&RECORDING, Some(fault), 1, extent).unwrap();
    println!("{fault}: {examination}");
    examination.violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn whatever_was_acknowledged_is_there_after_a_power_loss_at_any_point() {
    let examination = Examination::of(&RECORDING, None, 1, Extent { images: Some(900), first: false }).unwrap();
    println!("{examination}");
    for violation in &examination.violations {
        println!("{}: {}", violation.rule, violation.what);
    }
    assert!(examination.violations.is_empty());
    assert!(examination.images >= 600 && examination.syncs >= 50 && examination.acknowledged >= 50, "{examination}");
}

#[test]
fn a_disk_that_syncs_nothing_is_noticed() {
    assert!(!broken(Fault::NoSync).is_empty());
}

#[test]
fn a_log_that_is_not_synced_before_the_answer_is_noticed() {
    assert_eq!(broken(Fault::NoSyncOfTheLog), BTreeSet::from(["lost"]));
}

#[test]
fn a_folder_that_is_not_synced_is_noticed() {
    assert!(!broken(Fault::NoSyncOfTheFolder).is_empty());
}

#[test]
fn an_answer_before_the_sync_is_noticed() {
    assert_eq!(broken(Fault::EarlyAnswers), BTreeSet::from(["lost"]));
}
