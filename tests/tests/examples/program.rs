//! Building and running the programs of the workspace.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The workspace's folder.
pub(crate) fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Cargo, at work in the workspace.
pub(crate) fn cargo() -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace());
    cargo
}

/// A program of a package, built as `cargo run --package` builds it, to be run in `folder`.
pub(crate) fn program(package: &str, name: &str, folder: &Path) -> Command {
    let mut program = Command::new(executable(package, name));
    program.current_dir(folder);
    // What is set for whoever runs the tests is not meant for the examples.
    for variable in ["JOBWORK_URL", "JOBWORK_LOG", "JOBWORK_LOG_FORMAT", "RUST_LOG"] {
        program.env_remove(variable);
    }
    program
}

fn executable(package: &str, name: &str) -> PathBuf {
    let built = cargo().args(["build", "--message-format=json", "--package", package, "--bin", name]).output().unwrap();
    assert!(built.status.success(), "{package} does not build:\n{}", String::from_utf8_lossy(&built.stderr));
    let messages = String::from_utf8(built.stdout).unwrap();
    let mut messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = messages.find(|message| message["target"]["name"] == name && message["executable"].is_string());
    PathBuf::from(found.unwrap()["executable"].as_str().unwrap())
}

/// What the program printed, which must have gone well.
pub(crate) fn printed(program: &mut Command) -> String {
    let output = program.output().unwrap();
    assert!(output.status.success(), "{} failed\n{}{}", status(&output), stdout(&output), stderr(&output));
    stdout(&output)
}

fn status(output: &Output) -> String {
    output.status.to_string()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
