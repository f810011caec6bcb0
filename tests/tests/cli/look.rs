use crate::shop::{NOBODY, Shop};

const SECRET: &str = r#"{"name":"s3cret","times":1}"#;

#[test]
fn jobs_shows_the_registry() {
    let shop = Shop::open();
    let jobs = shop.lines(&["jobs"]);
    let names: Vec<_> = jobs.iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["fail", "greet", "hang", "import"]);
    assert_eq!(jobs[1]["params"], serde_json::json!(["name", "times"]));
    assert_eq!(jobs[1]["aliases"], serde_json::json!(["hail"]));
    assert_eq!(jobs[2]["kind"], "blocking");
    let table = shop.ok(&["jobs"]);
    let greet = table.lines().find(|line| line.starts_with("greet")).unwrap();
    let cells: Vec<&str> = greet.split_whitespace().collect();
    assert_eq!(cells[..7], ["greet", "name,", "times", "mail", "3", "5", "async"]);
    assert!(cells[7].contains("cli_app.rs:"), "{greet}");
    assert!(!shop.path("shop.db").exists(), "the registry needs no store");
}

#[test]
fn list_filters_and_pages_newest_first() {
    let shop = Shop::open();
    let fail = shop.dispatch(&["fail", "--tag", "x"]);
    let mail = shop.dispatch(&["greet", SECRET]);
    let late = shop.dispatch(&["greet", SECRET, "--queue", "late", "--delay", "1h"]);
    let ids = |words: &[&str]| -> Vec<String> {
        let jobs = shop.lines(&[&["list"], words].concat());
        jobs.iter().map(|job| job["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&[]), [&*late, &mail, &fail]);
    assert_eq!(ids(&["--state", "scheduled"]), [&*late]);
    assert_eq!(ids(&["--state", "scheduled,ready", "--limit", "2"]), [&*late, &mail]);
    assert_eq!(ids(&["--queue", "mail"]), [&*mail]);
    assert_eq!(ids(&["--name", "fail"]), [&*fail]);
    assert_eq!(ids(&["--tag", "x"]), [&*fail]);
    assert_eq!(ids(&["--before", &mail]), [&*fail]);
    let table = shop.ok(&["list"]);
    assert!(table.starts_with("ID ") && table.contains("in 59m") && table.contains(&late), "{table}");
    shop.say(&["list", "--state", "done"]).refused(2, &["unknown state `done`, expected one of waiting, scheduled"]);
    shop.say(&["list", "--before", "7"]).refused(2, &["`list` print it"]);
    shop.say(&["list", "--limit", "0"]).refused(2, &["0"]);
}

#[test]
fn show_tells_everything() {
    let shop = Shop::open();
    let id = shop.dispatch(&["fail", "--tag", "x"]);
    shop.ok(&["work", "--until-empty"]);
    let job = shop.json(&["show", &id]);
    assert_eq!(job["state"], "dead");
    assert_eq!(job["history"][0]["outcome"], "dead");
    assert_eq!(job["history"][0]["failure"]["message"], "out of \u{1b}[31mpaper");
    let text = shop.ok(&["show", &id]);
    for part in [&*id, "dead", "no retries left", "1 of 1", "attempt 1: dead at ", "error: out of \\u{1b}[31mpaper"] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    assert!(!text.contains('\u{1b}'), "an error must not reach the terminal as it is");
    shop.say(&["show", NOBODY]).refused(3, &["there is no job", NOBODY]);
    shop.say(&["show", "abc"]).refused(2, &["abc", "expected a job's id"]);
}

#[test]
fn arguments_and_output_are_shown_only_when_asked_for() {
    let shop = Shop::open();
    let id = shop.dispatch(&["greet", SECRET]);
    shop.ok(&["work", "--until-empty"]);
    for words in [&["list"][..], &["list", "--json"], &["show", &id], &["show", &id, "--json"]] {
        assert!(!shop.ok(words).contains("s3cret"), "{words:?}");
    }
    let text = shop.ok(&["show", &id, "--args"]);
    assert!(text.contains(SECRET) && text.contains(r#""hello s3cret""#), "{text}");
    let job = shop.json(&["show", &id, "--args"]);
    assert_eq!((job["args"]["name"].as_str(), job["output"].as_str()), (Some("s3cret"), Some("hello s3cret")));
}

#[test]
fn queues_and_stats_count() {
    let shop = Shop::open();
    for words in [&["greet", SECRET][..], &["greet", SECRET, "--delay", "1h"], &["fail"]] {
        shop.dispatch(words);
    }
    let queues = shop.lines(&["queues"]);
    assert_eq!(queues.len(), 2);
    let mail = queues.iter().find(|queue| queue["queue"] == "mail").unwrap();
    assert_eq!((&mail["ready"], &mail["scheduled"]), (&1.into(), &1.into()));
    assert!(shop.ok(&["queues"]).starts_with("QUEUE "));
    let stats = shop.json(&["stats"]);
    assert_eq!((&stats["ready"], &stats["scheduled"], &stats["workers"]), (&2.into(), &1.into(), &0.into()));
    assert!(shop.ok(&["stats"]).contains("scheduled  1\n"));
}
