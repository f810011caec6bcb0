//! Every measure is taken once with few jobs, so that the benchmark can't rot. What it finds is not looked at, but that each
//! job ran once is: the program fails when one did not.

use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output};

use serde_json::Value;

fn bench(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jobwork-bench")).args(words).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const SMALL: &[&str] =
    &["--long", "--jobs", "50", "--rounds", "1", "--finished", "100", "--rows", "10000", "--seconds", "1"];

const SHORT: &[&str] = &["--jobs", "10", "--rounds", "1"];

#[test]
fn every_measure_of_sqlite_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| folder.path().join(name).display().to_string();
    let (json, markdown, plots) = (file("all.json"), file("all.md"), file("plots"));
    let results = ["--json", &json, "--markdown", &markdown, "--svg", &plots];
    let output = bench(&[SMALL, &results].concat());
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));

    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(report["settings"]["journal mode"], "wal");
    let measures = report["measures"].as_array().unwrap();
    for measure in measures {
        assert_eq!(measure["rounds"].as_array().map(Vec::len), Some(1), "{measure}");
        assert_eq!(measure["failures"].as_array().map(Vec::len), Some(0), "{measure}");
        assert!(measure["compared_with"].is_null() || measure["summary"]["ratio"].is_object(), "{measure}");
    }
    let markdown = std::fs::read_to_string(markdown).unwrap();
    for measure in measures {
        assert!(markdown.contains(measure["name"].as_str().unwrap()), "{measure}");
    }
    for plot in ["rate.svg", "latency.svg", "size.svg"] {
        assert!(std::fs::read_to_string(folder.path().join("plots").join(plot)).unwrap().contains("</svg>"), "{plot}");
    }
}

#[test]
fn every_measure_of_memory_is_taken() {
    let output = bench(&[SMALL, &["--store", "memory"]].concat());
    let table = text(&output.stdout);
    assert!(output.status.success(), "{table}{}", text(&output.stderr));
    assert!(table.contains("chains of three") && !table.contains("bare"), "{table}");
}

/// The server that the tests are given, or else one of the program's own: with that it takes longer, as it waits for the disk.
fn postgres() -> String {
    std::env::var("JOBWORK_TEST_POSTGRES").unwrap_or_else(|_| "postgres".to_owned())
}

#[test]
fn every_measure_of_postgres_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name| folder.path().join(name).display().to_string();
    let (json, plots) = (file("all.json"), file("plots"));
    let output = bench(&[SMALL, &["--store", &postgres(), "--json", &json, "--svg", &plots]].concat());
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));

    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let measures = report["measures"].as_array().unwrap();
    for measure in measures {
        assert_eq!(measure["failures"].as_array().map(Vec::len), Some(0), "{measure}");
        assert!(measure["compared_with"].is_null() || measure["summary"]["ratio"].is_object(), "{measure}");
    }
    let round = |name| &measures.iter().find(|measure| measure["name"] == name).unwrap()["rounds"][0];
    assert_eq!(round("bare: drain, by leases")["wear"]["made_dead"], 2 * 50 + 1);
    assert!(round("wear of a drain")["wear"]["wal_bytes"].as_i64().is_some_and(|bytes| bytes > 0));
    assert!(round("idle worker")["server"]["transactions"].is_number());
    assert!(std::fs::read_to_string(folder.path().join("plots/size.svg")).unwrap().contains("waiting"));
}

#[test]
fn a_server_of_its_own_waits_for_the_disk_and_is_gone_in_the_end() {
    let folder = tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o755)).tempdir().unwrap();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    let file = |name| folder.path().join(name).display().to_string();
    let (json, directory) = (file("all.json"), file("files"));
    let words = ["--store", "postgres", "--bare", "--only", "chain", "--json", &json, "--dir", &directory];
    let output = bench(&[&words, SHORT].concat());
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));

    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!((&report["settings"]["fsync"], &report["settings"]["synchronous_commit"]), (&"on".into(), &"on".into()));
    assert!(report["measures"][0]["rounds"][0]["server"]["cpu_seconds"].is_number(), "{report}");
    assert_eq!(std::fs::read_dir(files).unwrap().count(), 0);
}

#[test]
fn a_part_comes_with_what_it_is_compared_with_and_nothing_else() {
    let output = bench(&["--only", "chain", "--jobs", "10", "--rounds", "1"]);
    let table = text(&output.stdout);
    assert!(output.status.success(), "{table}{}", text(&output.stderr));
    let measured = ["bare: drain", "drain, 1000 at a time", "chains of three"];
    assert_eq!(table.lines().filter(|line| measured.iter().any(|name| line.starts_with(name))).count(), 3, "{table}");
    assert!(!table.contains("dispatch"), "{table}");
}

#[test]
fn a_store_that_is_not_known_is_refused() {
    let output = bench(&["--only", "chain", "--jobs", "10", "--rounds", "1", "--store", "nowhere:"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("expected `sqlite:FILE`"), "{}", text(&output.stderr));
}
