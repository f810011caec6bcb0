//! The page on reliability names tests that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The texts of the Rust files under a folder.
fn texts(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The names of all functions that may be tests.
fn functions() -> BTreeSet<String> {
    let folders = ["jobwork/src", "tests/tests", "proof/src", "proof/tests"];
    let files = folders.iter().flat_map(|folder| texts(&root().join(folder)));
    let name = |rest: &str| rest.split(['(', '<']).next().unwrap_or_default().to_owned();
    files.flat_map(|text| text.split("fn ").skip(1).map(name).collect::<Vec<_>>()).collect()
}

#[test]
fn every_sentence_of_the_contract_is_tested() {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let functions = functions();
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(rows.len() >= 10, "the table of the contract has {} rows", rows.len());
    for row in rows {
        let tests = row.split('|').nth(2).unwrap();
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test in {row}");
        for name in names {
            assert!(functions.contains(name), "there is no test `{name}`, which this names: {row}");
        }
    }
}
