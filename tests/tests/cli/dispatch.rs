use std::io::Write;
use std::process::Stdio;

use serde_json::json;

use crate::shop::{Said, Shop};

const ANN: &str = r#"{"name":"ann","times":1}"#;

#[test]
fn the_id_is_printed_and_the_jobs_own_options_hold() {
    let shop = Shop::open();
    let id = shop.dispatch(&["greet", ANN]);
    let job = shop.json(&["show", &id, "--args"]);
    assert_eq!(job["id"], id.as_str());
    assert_eq!((&job["queue"], &job["priority"], &job["retries"]), (&json!("mail"), &json!(3), &json!(5)));
    assert_eq!(job["args"], json!({ "name": "ann", "times": 1 }));
    assert_eq!(job["state"], "ready");
}

#[test]
fn every_option_is_stored() {
    let shop = Shop::open();
    let options =
        ["--queue", "q", "--priority", "-7", "--retries", "0", "--tag", "a", "--tag", "b", "--delay", "1h 30m"];
    let id = shop.json(&[&["dispatch", "greet", ANN], &options[..]].concat())["id"].as_str().unwrap().to_owned();
    let job = shop.json(&["show", &id]);
    assert_eq!((&job["queue"], &job["priority"], &job["retries"]), (&json!("q"), &json!(-7), &json!(0)));
    assert_eq!((&job["tags"], &job["state"]), (&json!(["a", "b"]), &json!("scheduled")));
    let at = shop.dispatch(&["greet", ANN, "--at", "2100-01-31T18:00:00+01:00"]);
    assert_eq!(shop.json(&["show", &at])["run_at"], "2100-01-31T17:00:00Z");
}

#[test]
fn a_job_is_limited_in_all_ways_in_which_a_typed_dispatch_of_it_is() {
    let shop = Shop::open();
    let stored = shop.json(&["dispatch", "import", r#"{"folder":"a","file":"1"}"#]);
    assert_eq!(stored["new"], true);
    let job = shop.json(&["show", stored["id"].as_str().unwrap()]);
    assert_eq!(job["unique_key"], r#"["import",{"file":"1","folder":"a"}]"#);
    assert_eq!(job["ordered"], r#"["import","a"]"#);
    assert!(job["expires_at"].is_string() && job["retry_until"].is_string() && job["retain"].is_object());
    let again = shop.json(&["dispatch", "import", r#"["a", "1"]"#]);
    assert_eq!((&again["id"], &again["new"]), (&stored["id"], &serde_json::json!(false)));
    let behind = shop.dispatch(&["import", r#"{"folder":"a","file":"2"}"#]);
    assert_eq!(shop.json(&["show", &behind])["state"], "waiting");
}

#[test]
fn an_older_name_dispatches_the_job_under_its_own() {
    let shop = Shop::open();
    let id = shop.dispatch(&["hail", r#"["ann", 2]"#]);
    assert_eq!(shop.json(&["show", &id])["name"], "greet");
}

#[test]
fn arguments_may_come_from_standard_input() {
    let shop = Shop::open();
    let mut command = shop.command(&["dispatch", "greet", "-"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{ANN}\n").as_bytes()).unwrap();
    let said = Said::of(&child.wait_with_output().unwrap());
    assert_eq!(shop.json(&["show", said.out.trim(), "--args"])["args"]["name"], "ann");
}

#[test]
fn an_unknown_name_is_told_the_nearest() {
    let shop = Shop::open();
    shop.say(&["dispatch", "gret", ANN]).refused(2, &["unknown job `gret`; did you mean `greet`?"]);
    shop.say(&["dispatch", "quux", ANN]).refused(2, &["unknown job `quux`", "`jobs` lists"]);
    assert!(shop.lines(&["list"]).is_empty());
}

#[test]
fn a_mistake_in_the_json_is_pointed_at() {
    let shop = Shop::open();
    let place = "  {\"name\": ann}\n           ^";
    shop.say(&["dispatch", "greet", "{\"name\": ann}"]).refused(2, &["not JSON", "line 1 column 10", place]);
    shop.say(&["dispatch", "greet", "7"]).refused(2, &["expected a JSON object by parameter name, or an array"]);
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    let shop = Shop::open();
    let takes = "don't fit `greet`, which takes (name, times)";
    shop.say(&["dispatch", "greet"]).refused(2, &[takes, "missing field `name`"]);
    let place = "  {\"name\":\"ann\",\"times\":\"x\"}\n                          ^";
    shop.say(&["dispatch", "greet", r#"{"name":"ann","times":"x"}"#]).refused(2, &[takes, "expected u32", place]);
    assert!(shop.lines(&["list"]).is_empty());
}

#[test]
fn bad_times_are_usage_errors() {
    let shop = Shop::open();
    for bad in ["soon", "10", "-5s"] {
        let delay = format!("--delay={bad}");
        shop.say(&["dispatch", "greet", ANN, &delay]).refused(2, &[bad, "a duration such as `30s`"]);
    }
    shop.say(&["dispatch", "greet", ANN, "--at", "noon"]).refused(2, &["noon", "2030-01-31T18:00:00Z"]);
    let both = ["dispatch", "greet", ANN, "--delay", "1s", "--at", "2030-01-31T18:00:00Z"];
    shop.say(&both).refused(2, &["--delay", "--at", "cannot be used with"]);
}
