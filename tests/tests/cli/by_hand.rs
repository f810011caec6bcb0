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
        shop.say(&[verb]).refused(2, &["<ID>"]);
    }
    let said = shop.say(&["cancel", NOBODY, &known, "--json"]);
    said.refused(3, &[NOBODY]);
    let lines: Vec<serde_json::Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines[0]["answer"].as_str(), lines[1]["answer"].as_str()), (None, Some("cancelled")));
}
