//! The limits of load, at a hundredth of their size: every case ends well, within its bounds.

use std::process::Command;

/// In megabytes: no case holds all of its jobs, nor all large arguments, at once.
const MOST: f64 = 400.0;

#[test]
fn every_case_of_load_ends_well_at_a_small_scale() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proof"));
    let done = command.args(["load", "--store", "sqlite", "--scale", "0.01"]).output().unwrap();
    let table = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{table}{}", String::from_utf8_lossy(&done.stderr));
    let rows: Vec<&str> = table.lines().skip(1).collect();
    assert_eq!(rows.len(), 10, "{table}");
    assert!(rows.iter().all(|row| peak(row).is_some_and(|peak| peak < MOST)), "{table}");
}

/// The memory that a row of the table tells.
fn peak(row: &str) -> Option<f64> {
    row.split_once(" MB ")?.0.rsplit(' ').next()?.parse().ok()
}
