//! The `jobwork` binary: everything but working, on any store.
#![cfg(all(feature = "cli", feature = "sqlite"))]

use std::process::{Command, Output};

fn jobwork(folder: &tempfile::TempDir, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobwork"));
    command.current_dir(folder.path()).env("JOBWORK_URL", "sqlite:jobs.db").args(words);
    command.env_remove("JOBWORK_LOG_FORMAT").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn jobs_are_dispatched_by_name_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let id = text(&jobwork(&folder, &["dispatch", "of_another_program", "[1]", "--queue", "q"]).stdout);
    let shown = text(&jobwork(&folder, &["show", id.trim(), "--json", "--args"]).stdout);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown["name"], &shown["queue"]), (&"of_another_program".into(), &"q".into()));
    assert_eq!(shown["args"], serde_json::json!([1]));
    assert!(jobwork(&folder, &["cancel", id.trim()]).status.success());
    assert!(text(&jobwork(&folder, &["stats"]).stdout).contains("cancelled  1"));
}

#[test]
fn what_needs_a_program_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    for word in ["work", "jobs"] {
        let output = jobwork(&folder, &[word]);
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("unrecognized subcommand"), "{output:?}");
    }
    let output = jobwork(&folder, &["dispatch", "job", "{"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the arguments are not JSON"), "{output:?}");
}

#[test]
fn a_store_is_measured_without_any_program() {
    let folder = tempfile::tempdir().unwrap();
    let output = jobwork(&folder, &["bench", "--jobs", "10", "--rounds", "1"]);
    assert!(text(&output.stdout).ends_with("Each job ran exactly once.\n"), "{output:?}");
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let itself = ["bench", "--jobs", "10", "--rounds", "1", "--store", "sqlite:jobs.db", "--json"];
    let output = jobwork(&folder, &itself);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["store"], &report["jobs"]), (&"sqlite (sqlite:jobs.db)".into(), &10.into()));
    assert_eq!(text(&jobwork(&folder, &["list", "--json"]).stdout), "");
}

#[test]
fn two_do_not_measure_one_store_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    jobwork(&folder, &["dispatch", "jobwork_bench", "[1, 0]", "--queue", "jobwork_bench"]);
    let output = jobwork(&folder, &["bench", "--store", "sqlite:jobs.db"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("another `bench` runs on this store, or was killed"), "{output:?}");
    assert_eq!(text(&jobwork(&folder, &["list", "--json"]).stdout).lines().count(), 1, "its jobs are left to it");
}

#[test]
fn help_is_what_you_get_without_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = jobwork(&folder, &["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("Exit codes:"));
    let nothing = jobwork(&folder, &[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("Usage: jobwork"), "{nothing:?}");
    assert!(text(&jobwork(&folder, &["--version"]).stdout).contains(env!("CARGO_PKG_VERSION")));
}
