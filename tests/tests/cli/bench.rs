use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::shop::{Said, Shop};

const TINY: [&str; 5] = ["bench", "--jobs", "20", "--rounds", "2"];
const ITSELF: [&str; 7] = ["bench", "--jobs", "20", "--rounds", "1", "--store", "sqlite:shop.db"];

/// Everything that the store tells of itself.
fn told(shop: &Shop) -> Vec<Vec<Value>> {
    ["list", "queues", "stats", "workers", "cron", "pause", "batches"].map(|word| shop.lines(&[word])).to_vec()
}

/// The names of the files in the shop's folder.
fn files(shop: &Shop) -> Vec<String> {
    let entries = std::fs::read_dir(shop.path("")).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_throw_away_file_is_measured_and_nothing_stays() {
    let shop = Shop::open();
    let table = shop.ok(&TINY);
    let store = "store        sqlite (a throw-away file beside shop.db)\ndurability   WAL, synchronous=FULL";
    assert!(table.starts_with(store), "{table}");
    let rows: Vec<Vec<&str>> =
        table.lines().map(|line| line.split("  ").filter(|cell| !cell.is_empty()).collect()).collect();
    let head = rows.iter().position(|row| row.first() == Some(&"MEASURE")).unwrap();
    let titles: Vec<_> = rows[head + 1..head + 9].iter().map(|row| (row[0], row[1].trim())).collect();
    let expected = [
        ("dispatch, one at a time", "2"),
        ("dispatch, 64 tasks", "20"),
        ("dispatch, 1000 at once", "20"),
        ("drain", "20"),
        ("end to end, 64 tasks", "20"),
        ("pick-up, p50", "1"),
        ("pick-up, p99", "1"),
        ("pick-up, max", "1"),
    ];
    assert_eq!(titles, expected);
    assert!(table.ends_with("\n\nEach job ran exactly once.\n"), "{table}");
    assert_eq!(files(&shop), Vec::<String>::new());
}

#[test]
fn figures_are_told_as_json() {
    let shop = Shop::open();
    let report = shop.json(&[&TINY[..], &["--concurrency", "3"]].concat());
    for (key, value) in [("jobs", 20), ("concurrency", 3), ("rounds", 2)] {
        assert_eq!(report[key], value, "{report}");
    }
    assert!(report["cores"].as_u64().is_some_and(|cores| cores > 0), "{report}");
    let measures = report["measures"].as_array().unwrap();
    assert_eq!(measures.len(), 8);
    for measure in measures {
        let number = |key: &str| measure[key].as_f64().unwrap();
        assert!(0.0 < number("low") && number("low") <= number("median") && number("median") <= number("high"));
        assert_eq!(measure["rounds"].as_array().unwrap().len(), 2, "{measure}");
    }
    let drain = measures.iter().find(|measure| measure["measure"] == "drain").unwrap();
    assert_eq!((&drain["jobs"], &drain["unit"]), (&json!(20), &json!("jobs/s")));
}

#[test]
fn a_store_with_jobs_in_it_is_left_as_it_was() {
    let shop = Shop::open();
    for words in [&["greet", r#"["ann", 1]"#][..], &["fail", "--queue", "bad"], &["fail", "--delay", "1h"], &["fail"]] {
        shop.dispatch(words);
    }
    shop.ok(&["work", "--one", "--queue", "bad"]);
    shop.ok(&["pause", "--queue", "mail"]);
    let before = told(&shop);
    assert_eq!((before[0].len(), shop.json(&["stats"])["ready"].clone()), (4, json!(2)));
    let report = shop.json(&ITSELF);
    assert_eq!(report["store"], "sqlite (sqlite:shop.db)");
    assert_eq!(told(&shop), before);
}

#[test]
fn an_empty_store_is_empty_afterwards() {
    let shop = Shop::open();
    let before = told(&shop);
    shop.ok(&ITSELF);
    assert_eq!(told(&shop), before);
    let others: Vec<_> = files(&shop).into_iter().filter(|file| !file.starts_with("shop.db")).collect();
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn nothing_stays_where_it_was_interrupted() {
    for signal in ["-INT", "-TERM"] {
        for itself in [&["--store", "sqlite:shop.db"][..], &[]] {
            let shop = Shop::open();
            let before = told(&shop);
            let mut command = shop.command(&[&["bench", "--jobs", "100", "--rounds", "1000000"], itself].concat());
            command.env("JOBWORK_LOG", "info").stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
            assert!(log.by_ref().any(|line| line.unwrap().contains("worker starts")));
            let pid = child.id().to_string();
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
            assert!(log.by_ref().any(|line| line.unwrap().contains("error: interrupted before it was done")));
            let said = Said::of(&child.wait_with_output().unwrap());
            assert_eq!((said.code, said.out.as_str()), (1, ""));
            assert_eq!(told(&shop), before);
            assert!(files(&shop).iter().all(|file| file.starts_with("shop.db")), "{:?}", files(&shop));
        }
    }
}

#[test]
fn a_default_store_that_is_no_file_is_measured_itself() {
    let shop = Shop::open();
    let output = shop.command(&TINY).env("JOBWORK_URL", "memory:").output().unwrap();
    let said = Said::of(&output);
    assert!(said.out.starts_with("store        memory (memory:)\ndurability   none"), "{said:?}");
    assert_eq!(files(&shop), Vec::<String>::new());
}

#[test]
fn a_pause_of_everything_is_told_in_place_of_waiting_for_its_end() {
    let shop = Shop::open();
    shop.ok(&["pause", "--all"]);
    shop.say(&ITSELF).refused(1, &["everything is paused in this store: resume that first"]);
    shop.ok(&["resume", "--all"]);
    shop.ok(&["pause", "--queue", "jobwork_bench"]);
    shop.say(&ITSELF).refused(1, &["queue jobwork_bench is paused"]);
}

#[test]
fn what_is_wrong_is_refused() {
    let shop = Shop::open();
    for option in ["--jobs", "--concurrency", "--rounds"] {
        shop.say(&["bench", option, "0"]).refused(2, &[option, "0 is not in 1.."]);
        shop.say(&["bench", option, "many"]).refused(2, &[option, "many"]);
    }
    shop.say(&["bench", "--jobs", "10000001"]).refused(2, &["1..=10000000"]);
    shop.say(&["bench", "--job", "7"]).refused(2, &["--job", "--jobs"]);
    shop.say(&["bench", "--store", "redis://me:s3cret@host"]).refused(1, &["can't use `redis://me:***@host`"]);
    shop.say(&["bench", "--store", "sqlite:no/such/jobs.db"]).refused(1, &["no/such", "create that first"]);
    let output = shop.command(&["bench"]).env("JOBWORK_URL", "sqlite:no/such/jobs.db").output().unwrap();
    Said::of(&output).refused(1, &["a throw-away file in no/such", "must exist"]);
    assert_eq!(files(&shop), Vec::<String>::new());
}
