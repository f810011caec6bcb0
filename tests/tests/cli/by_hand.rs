use crate::shop::{NOBODY, Shop};

const ANN: &str = r#"["ann", 1]"#;

#[test]
fn cancel_retry_and_delete_do_what_they_say() {
    let shop = Shop::open();
    let (one, other) = (shop.dispatch(&["greet", ANN]), shop.dispatch(&["greet", ANN]));
    let answers = shop.lines(&["cancel", &one, &other]);
    assert!(answers.iter().all(|answer| answer["answer"] == "cancelled"), "{answers:?}");
    assert_eq!(shop.ok(&["retry", &one]), format!("{one}  ready\n"));
    assert_eq!((shop.state(&one).as_str(), shop.state(&other).as_str()), ("ready", "cancelled"));
    assert_eq!(shop.ok(&["delete", &one, &other]), format!("{one}  deleted\n{other}  deleted\n"));
    assert!(shop.lines(&["list"]).is_empty());
}

#[test]
fn what_can_not_be_done_is_explained_and_the_rest_is_done() {
    let shop = Shop::open();
    let (ready, cancelled) = (shop.dispatch(&["greet", ANN]), shop.dispatch(&["greet", ANN]));
    shop.ok(&["cancel", &cancelled]);
    shop.say(&["cancel", &cancelled]).refused(1, &["had ended before"]);
    let said = shop.say(&["retry", &ready, &cancelled]);
    said.refused(1, &[&ready, "is ready: there is nothing to retry"]);
    assert_eq!(said.out, format!("{cancelled}  ready\n"));
}

#[test]
fn unknown_ids_have_an_exit_code_of_their_own() {
    let shop = Shop::open();
    let known = shop.dispatch(&["greet", ANN]);
    for verb in ["retry", "cancel", "delete"] {
        shop.say(&[verb, NOBODY]).refused(3, &["there is no job", NOBODY]);
        shop.say(&[verb, "x"]).refused(2, &["expected a job's id"]);
        shop.say(&[verb]).refused(2, &["nothing says which jobs", "`--all`"]);
    }
    let said = shop.say(&["cancel", NOBODY, &known, "--json"]);
    said.refused(3, &[NOBODY]);
    let lines: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["answer"].as_str(), lines[1]["answer"].as_str()), (None, Some("cancelled")));
}

#[test]
fn many_are_changed_by_what_they_have_in_common() {
    let shop = Shop::open();
    let mail = shop.dispatch(&["greet", ANN, "--tag", "x", "--tag", "y"]);
    let fail = shop.dispatch(&["fail"]);
    shop.ok(&["work", "--until-empty", "--queue", "default"]);
    assert_eq!(shop.state(&fail), "dead");
    assert_eq!(shop.ok(&["retry", "--error", "OUT OF", "--dry-run"]), "1 job would be ready\n");
    assert_eq!(shop.ok(&["retry", "--error", "out of", "--job", "greet"]), "0 jobs ready\n");
    assert_eq!(shop.ok(&["cancel", "--tag", "x", "--tag", "z"]), "0 jobs cancelled\n");
    assert_eq!(shop.ok(&["requeue", "--to", "slow", "--tag", "x", "--tag", "y"]), "1 job moved\n");
    assert_eq!(shop.json(&["show", &mail])["queue"], "slow");
    assert_eq!(shop.ok(&["requeue", "--to", "mail", &mail]), format!("{mail}  moved\n"));
    assert_eq!(shop.ok(&["cancel", "--queue", "mail"]), "1 job cancelled\n");
    assert_eq!(shop.ok(&["delete", "--state", "dead", "--older-than", "1d"]), "0 jobs deleted\n");
    assert_eq!(shop.json(&["delete", "--all", "--dry-run"])["jobs"], 2);
    assert_eq!(shop.ok(&["delete", "--all"]), "2 jobs deleted\n");
    assert!(shop.lines(&["list"]).is_empty());
}

#[test]
fn what_is_to_be_changed_must_be_said_once_and_clearly() {
    let shop = Shop::open();
    let id = shop.dispatch(&["greet", ANN]);
    for verb in [&["cancel"][..], &["retry"], &["delete"], &["requeue", "--to", "slow"]] {
        let say = |words: &[&str]| shop.say(&[verb, words].concat());
        say(&["--dry-run"]).refused(2, &["nothing says which jobs"]);
        say(&[&id, "--queue", "mail"]).refused(2, &["not both"]);
        say(&[&id, "--dry-run"]).refused(2, &["instead of ids"]);
        say(&["--all", "--queue", "mail"]).refused(2, &["leave it out"]);
        say(&["--state", "done"]).refused(2, &["unknown state `done`"]);
        say(&["--older-than", "soon"]).refused(2, &["expected an age such as"]);
    }
    shop.say(&["requeue", &id]).refused(2, &["--to"]);
    assert_eq!(shop.state(&id), "ready");
}

#[test]
fn prune_forgets_what_ended_long_ago() {
    let shop = Shop::open();
    let id = shop.dispatch(&["fail"]);
    shop.ok(&["work", "--until-empty"]);
    assert_eq!(shop.ok(&["prune", "--older-than", "7d"]), "0 pruned\n");
    assert_eq!(shop.ok(&["prune", "--older-than", "0s", "--state", "completed"]), "0 pruned\n");
    assert_eq!(shop.ok(&["prune", "--older-than", "0s", "--state", "dead", "--dry-run"]), "1 would be pruned\n");
    assert_eq!(shop.state(&id), "dead");
    assert_eq!(shop.json(&["prune", "--older-than", "0s"])["pruned"], 1);
    shop.say(&["prune"]).refused(2, &["--older-than"]);
    shop.say(&["prune", "--older-than", "1d", "--state", "ready"]).refused(2, &["has not ended"]);
}
