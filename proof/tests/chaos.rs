//! Chaos with real processes, for a few seconds. `bash ci/chaos` runs it for longer.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jobwork_proof::history;

/// Only a broken test waits this long.
const LIMIT: Duration = Duration::from_secs(60);

fn chaos(store: &str, seconds: u64, history: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proof"));
    command.args(["chaos", "--store", store, "--seconds", &seconds.to_string(), "--workers", "3"]);
    // A run that is killed leaves its files behind; they go with the history.
    command.arg("--history").arg(history).env("TMPDIR", history.parent().expect("it is in a directory"));
    command
}

/// Runs it, and gives the report.
fn report(store: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let output = chaos(store, 6, &directory.path().join("history")).output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{report}\n{}", String::from_utf8_lossy(&output.stderr));
    report
}

fn assert_well(report: &str) {
    assert!(report.contains(" 0 violations, 0 lost") && !report.contains("\n0 jobs promised"), "{report}");
}

#[test]
fn a_store_that_can_not_be_used_is_refused_before_anything_begins() {
    for (store, reason) in [("memory:", "processes can't share"), ("sqlite:/nowhere/jobs.db", "/nowhere")] {
        let directory = tempfile::tempdir().unwrap();
        let history = directory.path().join("history");
        let output = chaos(store, 600, &history).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains(reason), "{told}");
        assert!(!history.exists());
    }
}

#[test]
fn no_promise_is_broken_on_a_file_in_chaos() {
    assert_well(&report("sqlite"));
}

#[test]
fn no_promise_is_broken_on_a_server_in_chaos() {
    assert_well(&report("postgres"));
}

#[test]
fn all_processes_end_with_the_run_that_started_them() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("history");
    let mut run = chaos("sqlite", 600, &file).stdout(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    let running = loop {
        let writers = writers(&file, &run);
        if writers.len() >= 3 {
            break writers;
        }
        wait(begun, "nobody writes");
    };
    run.kill().unwrap();
    run.wait().unwrap();
    while running.iter().any(|number| Path::new(&format!("/proc/{number}")).exists()) {
        wait(begun, "somebody lives on");
    }
}

/// The processes that have written to a history.
fn writers(file: &Path, run: &Child) -> BTreeSet<u32> {
    let lines = history::read(file).map(|read| read.lines).unwrap_or_default();
    lines.iter().map(|line| line.by).filter(|by| *by != run.id()).collect()
}

fn wait(begun: Instant, problem: &str) {
    assert!(begun.elapsed() < LIMIT, "{problem}");
    thread::sleep(Duration::from_millis(20));
}
