use std::process::Stdio;

use crate::shop::Shop;

/// A shop whose program has declared its schedule, by working for as long as `until` is not true.
fn worked_until(until: impl Fn(&Shop) -> bool) -> Shop {
    let shop = Shop::open();
    work_until(&shop, until);
    shop
}

fn work_until(shop: &Shop, until: impl Fn(&Shop) -> bool) {
    let mut worker = shop.command(&["work"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !until(shop) {
        assert!(worker.try_wait().unwrap().is_none(), "the worker ended");
    }
    worker.kill().unwrap();
    worker.wait().unwrap();
}

fn is_declared(shop: &Shop) -> bool {
    !shop.lines(&["cron"]).is_empty()
}

#[test]
fn cron_lists_the_schedules() {
    let shop = worked_until(is_declared);
    let schedule = shop.lines(&["cron"]).remove(0);
    for (key, value) in
        [("name", "greetings"), ("expression", "@hourly"), ("zone", "UTC"), ("job", "greet"), ("missed", "skip")]
    {
        assert_eq!(schedule[key], value);
    }
    assert_eq!((&schedule["paused"], &schedule["edited"]), (&false.into(), &false.into()));
    assert!(schedule["next"].as_str().unwrap().ends_with(":00:00Z"), "{schedule}");
    let table = shop.ok(&["cron"]);
    let (head, row) = table.split_once('\n').unwrap();
    assert!(head.starts_with("NAME       EXPRESSION  ZONE  JOB    NEXT"), "{table}");
    assert!(row.starts_with("greetings  @hourly     UTC   greet  in "), "{table}");
}

#[test]
fn cron_pauses_resumes_edits_resets_and_removes() {
    let shop = worked_until(is_declared);
    assert_eq!(shop.ok(&["cron", "pause", "greetings"]), "greetings  paused\n");
    let paused = &shop.lines(&["cron"])[0];
    assert_eq!((&paused["paused"], &paused["next"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(shop.json(&["cron", "resume", "greetings"])["paused"], false);
    let edited = shop.json(&["cron", "edit", "greetings", "30 2 * * *", "--tz", "Europe/Vienna"]);
    assert_eq!(
        (&edited["expression"], &edited["zone"], &edited["edited"]),
        (&"30 2 * * *".into(), &"Europe/Vienna".into(), &true.into())
    );
    assert_eq!(edited["declared"]["expression"], "@hourly");
    assert_eq!(shop.json(&["cron", "edit", "greetings", "0 5 * * *"])["zone"], "Europe/Vienna");
    assert!(shop.ok(&["cron"]).contains(" edited "));
    assert_eq!(shop.json(&["cron", "reset", "greetings"])["expression"], "@hourly");
    assert_eq!(shop.ok(&["cron", "remove", "greetings"]), "greetings  removed\n");
    assert!(shop.lines(&["cron"]).is_empty());
}

#[test]
fn cron_run_is_heard_by_a_worker() {
    let shop = worked_until(is_declared);
    shop.ok(&["cron", "pause", "greetings"]);
    shop.ok(&["cron", "run", "greetings"]);
    assert!(shop.ok(&["cron"]).contains("paused, asked to run"));
    let ran = |shop: &Shop| shop.lines(&["list", "--tag", "cron:greetings", "--state", "completed"]).len() == 1;
    work_until(&shop, ran);
    assert_eq!(shop.lines(&["cron"])[0]["asked"], serde_json::Value::Null);
}

#[test]
fn what_is_wrong_is_refused() {
    let shop = worked_until(is_declared);
    for words in [
        &["pause", "x"][..],
        &["resume", "x"],
        &["run", "x"],
        &["edit", "x", "@daily"],
        &["reset", "x"],
        &["remove", "x"],
    ] {
        shop.say(&[&["cron"], words].concat()).refused(3, &["there is no schedule `x`"]);
    }
    shop.say(&["cron", "edit", "greetings", "61 * * * *"]).refused(1, &["the minute `61`, expected 0-59"]);
    shop.say(&["cron", "edit", "greetings", "@daily", "--tz", "CEST"]).refused(1, &["there is no time zone `CEST`"]);
    shop.say(&["cron", "edit", "greetings"]).refused(2, &["<EXPRESSION>"]);
}
