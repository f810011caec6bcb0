use serde_json::{Value, json};

use crate::shop::Shop;

const ANN: &str = r#"["ann", 1]"#;

#[test]
fn a_paused_queue_is_left_alone_until_it_is_resumed() {
    let shop = Shop::open();
    let (greet, fail) = (shop.dispatch(&["greet", ANN]), shop.dispatch(&["fail"]));
    assert_eq!(shop.ok(&["pause", "--queue", "mail"]), "queue mail  paused until it is resumed\n");
    shop.ok(&["work", "--until-empty"]);
    assert_eq!((shop.state(&greet).as_str(), shop.state(&fail).as_str()), ("ready", "dead"));
    assert_eq!(shop.ok(&["resume", "--queue", "mail"]), "queue mail  resumed\n");
    shop.ok(&["work", "--until-empty"]);
    assert_eq!(shop.state(&greet), "completed");
    assert!(shop.ok(&["resume", "--queue", "mail"]).contains("queue mail  was not paused; `pause` lists what is"));
}

#[test]
fn a_pause_may_end_by_itself() {
    let shop = Shop::open();
    let said = shop.ok(&["pause", "--all", "--for", "10m"]);
    assert!(said.starts_with("everything  paused until 2") && said.contains("Z (in 10m)"), "{said}");
    shop.ok(&["pause", "--queue", "mail", "--for", "0s"]);
    assert_eq!(shop.lines(&["pause"]).len(), 1, "that of the queue is over");
}

#[test]
fn pauses_are_listed() {
    let shop = Shop::open();
    assert_eq!(shop.json(&["pause", "--queue", "mail"]), json!({ "target": { "queue": "mail" }, "until": null }));
    assert_eq!(shop.json(&["pause", "--all", "--for", "1h"])["target"], "everything");
    shop.ok(&["pause", "--job", "fail"]);
    let mut targets: Vec<_> = shop.lines(&["pause"]).into_iter().map(|pause| pause["target"].clone()).collect();
    targets.sort_by_key(Value::to_string);
    assert_eq!(targets, [json!("everything"), json!({ "job": "fail" }), json!({ "queue": "mail" })]);
    let table = shop.ok(&["pause"]);
    assert!(table.starts_with("PAUSED ") && table.contains("job fail    it is resumed\n"), "{table}");
    assert_eq!(shop.json(&["resume", "--all"]), json!({ "target": "everything", "resumed": true }));
    assert_eq!(shop.json(&["resume", "--all"])["resumed"], false);
    assert_eq!(shop.lines(&["pause"]).len(), 2);
}

#[test]
fn a_job_of_a_paused_name_says_what_holds_it() {
    let shop = Shop::open();
    let id = shop.dispatch(&["fail"]);
    shop.ok(&["pause", "--job", "fail"]);
    shop.ok(&["work", "--until-empty"]);
    assert_eq!(shop.json(&["show", &id])["held_by"], "paused job fail");
    for words in [&["show", &id][..], &["list"]] {
        let text = shop.ok(words);
        assert!(text.contains("ready (held by paused job fail)"), "{text}");
    }
    shop.ok(&["resume", "--job", "fail"]);
    shop.ok(&["work", "--until-empty"]);
    assert_eq!(shop.state(&id), "dead");
}

#[test]
fn a_queue_is_limited_by_hand() {
    let shop = Shop::open();
    let ids = [shop.dispatch(&["greet", ANN]), shop.dispatch(&["greet", ANN])];
    assert_eq!(shop.ok(&["limit", "mail"]), "mail  no limit\n");
    assert_eq!(shop.ok(&["limit", "mail", "--concurrency", "5"]), "mail  5 at once\n");
    assert_eq!(shop.ok(&["limit", "mail", "--rate", "1/1h"]), "mail  5 at once, 1/1h\n");
    assert_eq!(
        shop.json(&["limit", "mail"]),
        json!({ "queue": "mail", "concurrency": 5, "rate": { "count": 1, "per": { "secs": 3600, "nanos": 0 } } })
    );
    shop.ok(&["work", "--until-empty"]);
    assert_eq!(ids.each_ref().map(|id| shop.state(id)), ["completed", "ready"]);
    assert_eq!(shop.ok(&["limit", "mail", "--clear"]), "mail  no limit\n");
    shop.ok(&["work", "--until-empty"]);
    assert_eq!(shop.state(&ids[1]), "completed");
}

#[test]
fn queues_tells_what_is_paused_and_limited() {
    let shop = Shop::open();
    shop.dispatch(&["greet", ANN]);
    shop.dispatch(&["fail"]);
    shop.ok(&["pause", "--queue", "mail"]);
    shop.ok(&["limit", "empty", "--concurrency", "2"]);
    let queues = shop.lines(&["queues"]);
    let told: Vec<Value> = ["queue", "ready", "paused", "paused_until", "limit"]
        .iter()
        .map(|key| queues.iter().map(|queue| queue[key].clone()).collect())
        .collect();
    assert_eq!(
        Value::from(told),
        json!([
            ["default", "empty", "mail"],
            [1, 0, 1],
            [false, false, true],
            [null, null, null],
            [null, { "concurrency": 2, "rate": null }, null],
        ])
    );
    let table = shop.ok(&["queues"]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].ends_with("PAUSED         LIMIT"), "{table}");
    assert!(lines[1].ends_with(" -              -") && lines[2].ends_with(" -              2 at once"), "{table}");
    assert!(lines[3].ends_with(" until resumed  -"), "{table}");
    shop.ok(&["pause", "--all", "--for", "10m"]);
    let queues = shop.lines(&["queues"]);
    assert!(queues[0]["paused_until"].is_string(), "{queues:?}");
    assert_eq!(
        (&queues[2]["paused"], &queues[2]["paused_until"]),
        (&true.into(), &Value::Null),
        "its own lasts longer"
    );
    let table = shop.ok(&["queues"]);
    assert!(table.lines().nth(1).unwrap().contains(" ends in 9m "), "{table}");
}

#[test]
fn what_is_wrong_is_refused() {
    let shop = Shop::open();
    shop.say(&["resume"]).refused(2, &["--queue <QUEUE>|--job <NAME>|--all"]);
    shop.say(&["pause", "--for", "10m"]).refused(2, &["--queue <QUEUE>|--job <NAME>|--all"]);
    shop.say(&["pause", "--queue", "a", "--all"]).refused(2, &["cannot be used with"]);
    shop.say(&["pause", "--all", "--for", "soon"]).refused(2, &["a duration such as"]);
    shop.say(&["limit"]).refused(2, &["<QUEUE>"]);
    shop.say(&["limit", "mail", "--concurrency", "0"]).refused(2, &["--concurrency"]);
    shop.say(&["limit", "mail", "--rate", "100"]).refused(2, &["such as `100/1m`"]);
    shop.say(&["limit", "mail", "--rate", "1/1s", "--clear"]).refused(2, &["cannot be used with"]);
}
