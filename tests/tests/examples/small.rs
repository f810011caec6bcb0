//! The programs of one idea each.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::program::{cargo, printed, program, workspace};

const BASICS: &str = "jobwork-examples";
const MANUAL: &str = "jobwork-example-manual";

/// Runs the program, compares what it printed, and sees that it left nothing behind.
fn prints_what_is_expected(package: &str, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let printed = printed(&mut program(package, name, folder.path()));
    let expected = fs::read_to_string(expected().join(format!("{name}.txt"))).unwrap();
    assert_eq!(printed, expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{name} left files behind");
}

fn expected() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/examples/expected"))
}

macro_rules! each_basic {
    ($($name:ident),*) => {
        $(
            #[test]
            fn $name() {
                prints_what_is_expected(BASICS, stringify!($name));
            }
        )*

        #[test]
        fn every_basic_example_is_run() {
            let stem = |entry: std::io::Result<fs::DirEntry>| {
                entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()
            };
            let found = fs::read_dir(workspace().join("examples/basics/src/bin")).unwrap().map(stem);
            let run = BTreeSet::from([$(stringify!($name).to_owned()),*]);
            assert_eq!(found.collect::<BTreeSet<_>>(), run);
        }
    };
}

each_basic!(
    axum_embedded,
    batch,
    blocking,
    cancel,
    chain,
    graceful_shutdown,
    hello,
    middleware,
    nightly_report,
    rate_limited,
    resumable_import,
    retries,
    state
);

#[test]
fn hello_is_short() {
    let source = fs::read_to_string(workspace().join("examples/basics/src/bin/hello.rs")).unwrap();
    assert!(source.lines().count() < 25);
}

#[test]
fn manual_registration() {
    prints_what_is_expected(MANUAL, "manual_registration");
}

#[test]
fn manual_registration_does_without_inventory() {
    let tree = printed(cargo().args(["tree", "-e", "normal", "--prefix", "none", "-p", MANUAL]));
    assert!(tree.contains("jobwork v") && !tree.contains("inventory"), "{tree}");
}
