//! A dispatcher that does not link what the job needs, and the worker that does.

use crate::program::{cargo, printed, program};

#[test]
fn only_the_worker_depends_on_what_performs_the_job() {
    let tree = |package| printed(cargo().args(["tree", "-e", "normal", "--prefix", "none", "-p", package]));
    let has_regex = |package| tree(package).lines().any(|line| line.starts_with("regex v"));
    assert!(tree("slim-dispatcher").contains("slim-jobs v"));
    assert!(!has_regex("slim-dispatcher"));
    assert!(has_regex("slim-worker"));
}

#[test]
fn the_worker_performs_what_the_dispatcher_dispatched() {
    let folder = tempfile::tempdir().unwrap();
    let store = format!("sqlite:{}", folder.path().join("shared.db").display());
    let mut dispatcher = program("slim-dispatcher", "slim-dispatcher", folder.path());
    assert_eq!(printed(dispatcher.env("JOBWORK_URL", &store)), "dispatched\n");

    let mut worker = program("slim-worker", "slim-worker", folder.path());
    worker.env("JOBWORK_URL", &store).args(["work", "--until-empty"]);
    assert_eq!(printed(&mut worker), "find_links: [\"https://www.rust-lang.org\",\"http://localhost:8000/docs\"]\n");
}
