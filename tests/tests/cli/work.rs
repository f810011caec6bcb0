use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::Value;

use crate::shop::{NOBODY, Said, Shop};

const ANN: &str = r#"["ann", 1]"#;

/// A worker that performs a job which never ends, and the lines of its log.
struct Hanging {
    child: Child,
    log: Lines<BufReader<ChildStderr>>,
}

impl Hanging {
    fn start(shop: &Shop, words: &[&str]) -> Self {
        shop.dispatch(&["hang"]);
        let mut command = shop.command(&[words, &["--log-format", "json", "--shutdown-timeout", "0s"]].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "hanging\n");
        let log = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, log }
    }

    /// Waits until the log says that the worker is in this state.
    fn wait_for(&mut self, state: &str) {
        let found = self.log.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        assert!(found.into_iter().any(|line| line["fields"]["state"] == state), "never {state}");
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        // It has ended already unless the test failed.
        let _ = self.child.kill();
    }
}

#[test]
fn an_abandoned_thread_does_not_hold_the_process() {
    let shop = Shop::open();
    let worker = Hanging::start(&shop, &["work"]);
    let pid = worker.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(worker.exit_code(), Some(0), "jobs that were handed back are a clean stop");
    let jobs = shop.lines(&["list"]);
    assert_eq!((&jobs[0]["state"], &jobs[0]["attempt"]), (&"ready".into(), &0.into()));
}

#[test]
fn a_worker_is_seen_and_told_from_elsewhere() {
    let shop = Shop::open();
    let mut worker = Hanging::start(&shop, &["work", "--queue", "default", "--queue", "mail", "--concurrency", "7"]);
    worker.wait_for("running");
    let workers = shop.lines(&["workers"]);
    let id = workers[0]["id"].as_str().unwrap();
    assert_eq!(workers[0]["queues"], serde_json::json!(["default", "mail"]));
    assert_eq!((&workers[0]["concurrency"], &workers[0]["pid"]), (&7.into(), &worker.child.id().into()));
    assert!(shop.ok(&["workers"]).contains("default, mail"));
    assert_eq!(shop.ok(&["workers", "quiet", id]), format!("{id}  told to quiet\n"));
    worker.wait_for("quiet");
    assert_eq!(shop.json(&["workers", "resume", id])["command"], "resume");
    worker.wait_for("running");
    shop.ok(&["workers", "stop", id]);
    assert_eq!(worker.exit_code(), Some(0));
    shop.say(&["workers", "stop", NOBODY]).refused(3, &["there is no worker", NOBODY]);
    shop.say(&["workers", "stop", "x"]).refused(2, &["expected a worker's id"]);
}

#[test]
fn a_running_job_is_told_to_stop_and_can_not_be_deleted() {
    let shop = Shop::open();
    let mut worker = Hanging::start(&shop, &["work"]);
    let id = shop.lines(&["list"])[0]["id"].as_str().unwrap().to_owned();
    shop.say(&["delete", &id]).refused(1, &["is running: cancel it first"]);
    shop.say(&["retry", &id]).refused(1, &["is running: cancel it first"]);
    assert_eq!(shop.ok(&["cancel", &id]), format!("{id}  requested\n"));
    worker.child.kill().unwrap();
}

#[test]
fn one_and_until_empty_report_as_json() {
    let shop = Shop::open();
    for _ in 0..3 {
        shop.dispatch(&["fail"]);
    }
    let said = shop.json(&["work", "--one"]);
    assert_eq!((&said["completed"], &said["reason"]), (&0.into(), &"empty".into()));
    assert_eq!(shop.json(&["stats"])["dead"], 1);
    shop.json(&["work", "--until-empty"]);
    assert_eq!(shop.json(&["stats"])["dead"], 3);
    shop.say(&["work", "--one", "--until-empty"]).refused(2, &["cannot be used with"]);
    shop.say(&["work", "--concurrency", "0"]).refused(2, &["--concurrency"]);
    shop.say(&["work", "--shutdown-timeout", "never"]).refused(2, &["a duration such as"]);
}

#[test]
fn only_the_named_queues_are_served() {
    let shop = Shop::open();
    let (fail, greet) = (shop.dispatch(&["fail"]), shop.dispatch(&["greet", ANN]));
    assert_eq!(shop.ok(&["work", "--until-empty", "--queue", "mail"]), "hello ann (attempt 1)\n");
    assert_eq!((shop.state(&fail).as_str(), shop.state(&greet).as_str()), ("ready", "completed"));
}

#[test]
fn queues_are_named_with_weights_an_order_and_limits() {
    let shop = Shop::open();
    let (fail, greet) = (shop.dispatch(&["fail"]), shop.dispatch(&["greet", ANN]));
    shop.say(&["work", "--until-empty", "--queues", "mail:3,other:1", "--queue-concurrency", "mail=2"]);
    assert_eq!((shop.state(&fail).as_str(), shop.state(&greet).as_str()), ("ready", "completed"));
    shop.say(&["work", "--until-empty", "--queues", "default,mail", "--order", "random"]);
    assert_eq!(shop.state(&fail), "dead");
    shop.say(&["work", "--queues", "mail:x"]).refused(2, &["expected a weight from 1", "`high:3`"]);
    shop.say(&["work", "--queues", "a:2,b", "--order", "strict"]).refused(2, &["queue `a` has a weight"]);
    shop.say(&["work", "--queues", "a", "--order", "odd"]).refused(2, &["strict, weighted, random"]);
    shop.say(&["work", "--order", "random"]).refused(2, &["name them with `--queues high,low`"]);
    shop.say(&["work", "--queue", "a", "--queues", "b"]).refused(2, &["cannot be used with"]);
    shop.say(&["work", "--queue-concurrency", "mail"]).refused(2, &["`mail=5`"]);
}

#[test]
fn the_log_goes_to_standard_error_in_the_form_that_was_asked_for() {
    let shop = Shop::open();
    let id = shop.dispatch(&["greet", ANN]);
    let said = shop.say(&["work", "--one"]);
    assert_eq!(said.out, "hello ann (attempt 1)\n");
    assert!(said.err.contains(&format!(" INFO greeting  greet {id} #1  times=1\n")), "{said:?}");
    assert!(said.err.contains("configuring") && !said.err.contains('\u{1b}'), "{said:?}");
    let shop_log = |name: &str, value: &str| {
        shop.dispatch(&["greet", ANN]);
        Said::of(&shop.command(&["work", "--one"]).env(name, value).output().unwrap())
    };
    let json = shop_log("JOBWORK_LOG_FORMAT", "json").err;
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let greeting = lines.iter().find(|line| line["message"] == "greeting").unwrap();
    assert_eq!((&greeting["job"]["name"], &greeting["fields"]["times"]), (&"greet".into(), &1.into()));
    shop_log("JOBWORK_LOG_FORMAT", "xml")
        .refused(2, &["JOBWORK_LOG_FORMAT is `xml`: expected `auto`, `text` or `json`"]);
    shop.say(&["stats", "--log-format", "xml"]).refused(2, &["expected `auto`, `text` or `json`"]);
    let quiet = shop_log("JOBWORK_LOG", "warn,cli_app=info").err;
    assert!(quiet.contains("greeting") && !quiet.contains("completed"), "{quiet}");
    assert_eq!(shop_log("RUST_LOG", "off").err, "");
    let warned = shop_log("RUST_LOG", "cli_app=loud").err;
    assert!(
        warned.starts_with("warning: can't read RUST_LOG=`cli_app=loud`") && warned.contains("greeting"),
        "{warned}"
    );
}

#[test]
fn a_log_of_the_programs_own_is_left_alone() {
    let shop = Shop::open();
    shop.dispatch(&["greet", ANN]);
    let said = Said::of(&shop.command(&["work", "--one"]).env("CLI_APP", "own log").output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (0, "hello ann (attempt 1)\n"));
    assert!(!said.err.contains("greeting"), "{said:?}");
}
