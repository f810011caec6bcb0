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
fn help_is_what_you_get_without_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let help = jobwork(&folder, &["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("Exit codes:"));
    let nothing = jobwork(&folder, &[]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(text(&nothing.stderr).contains("Usage: jobwork"), "{nothing:?}");
    assert!(text(&jobwork(&folder, &["--version"]).stdout).contains(env!("CARGO_PKG_VERSION")));
}
