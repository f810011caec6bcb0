//! Dependencies point down only: every edge between two parts of the crate is named here, and a new one is a change of
//! the design. The picture of it is in ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each part of the crate and the parts it may use.
const EDGES: &[(&str, &[&str])] = &[
    ("error", &["job"]),
    ("clock", &[]),
    ("job", &[]),
    ("secret", &["error"]),
    ("store", &["clock", "error", "job"]),
    ("client", &["clock", "error", "job", "secret", "store"]),
    // A blocking job's thread is given the client of the job it runs.
    ("perform", &["client", "error", "job"]),
    ("worker", &["client", "clock", "error", "job", "perform", "secret", "store"]),
    ("testing", &["client", "clock", "error", "job", "perform", "store", "worker"]),
    ("plain_main", &["worker"]),
    ("cli", &["client", "clock", "error", "job", "perform", "secret", "store", "worker"]),
];

/// Parts that only gather the others for users and generated code.
const FACADES: &[&str] = &["lib", "private", "prelude", "bin"];

#[test]
fn no_part_uses_one_that_is_not_below_it() {
    let mut wrong = Vec::new();
    for file in sources() {
        let part = part(&file);
        if FACADES.contains(&part.as_str()) {
            continue;
        }
        let Some((_, below)) = EDGES.iter().find(|(name, _)| *name == part) else {
            wrong.push(format!("{}: the part `{part}` is in no layer", file.display()));
            continue;
        };
        let used = used_parts(&file).into_iter().filter(|used| *used != part && !below.contains(&used.as_str()));
        wrong.extend(used.map(|used| format!("{}: `{part}` must not use `{used}`", file.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_job_is_knows_no_runtime_and_no_database() {
    for file in sources().into_iter().filter(|file| part(file) == "job") {
        let text = fs::read_to_string(&file).unwrap();
        for foreign in ["tokio", "rusqlite", "tokio_postgres"] {
            assert!(!text.contains(foreign), "{} names {foreign}", file.display());
        }
    }
}

#[test]
fn no_store_uses_another_store() {
    let stores = ["memory", "postgres", "sqlite"];
    let pairs = stores.iter().flat_map(|store| stores.iter().map(move |other| (*store, *other)));
    for (store, other) in pairs.filter(|(store, other)| store != other) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store").join(store);
        for file in sources().into_iter().filter(|file| file.starts_with(&folder)) {
            let text = fs::read_to_string(&file).unwrap();
            assert!(!text.contains(&format!("{other}::")), "{} uses the {other} store", file.display());
        }
    }
}

#[test]
fn every_named_edge_is_used() {
    let used: BTreeSet<(String, String)> = sources()
        .into_iter()
        .flat_map(|file| used_parts(&file).into_iter().map(move |used| (part(&file), used)))
        .collect();
    for (from, below) in EDGES {
        for to in *below {
            let edge = ((*from).to_owned(), (*to).to_owned());
            assert!(used.contains(&edge), "`{from}` does not use `{to}` any more: strike the edge out");
        }
    }
}

fn sources() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 30, "the sources were not found");
    files
}

/// The part a file belongs to: the first name below `src`.
fn part(file: &Path) -> String {
    let below = file.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The parts that a file names as `crate::part::…` in its code; documentation may name what it likes.
fn used_parts(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = code.flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>());
    let names = paths.map(|path| path.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>());
    names.filter(|name| name.starts_with(char::is_lowercase)).collect()
}
