use std::io::Read;
use std::process::Stdio;

use crate::shop::{Said, Shop};

#[test]
fn help_lists_every_command_the_programs_own_among_them() {
    let shop = Shop::open();
    let help = shop.ok(&["--help"]);
    for word in ["work", "dispatch", "show", "workers", "publish   Greets everybody", "Exit codes:", "cli_app"] {
        assert!(help.contains(word), "no {word:?} in {help}");
    }
    assert_eq!(shop.ok(&["help"]), help);
    assert!(shop.ok(&["dispatch", "--help"]).contains("Usage: cli_app dispatch"));
    assert!(shop.ok(&["workers", "stop", "-h"]).contains("as SIGTERM does"));
    assert!(!shop.path("shop.db").exists(), "help needs no store");
}

#[test]
fn an_own_command_is_given_its_words_and_the_store() {
    let shop = Shop::open();
    let said = shop.ok(&["--store", "sqlite:other.db", "publish", "ann", "--bob"]);
    assert!(said.contains("hello ann") && said.contains("hello --bob") && said.ends_with("completed 2\n"), "{said}");
    assert_eq!(shop.lines(&["list", "--store", "sqlite:other.db"]).len(), 2);
    assert!(shop.lines(&["list"]).is_empty());
    shop.say(&["publish"]).refused(1, &["error: expected names to greet"]);
}

#[test]
fn an_own_command_may_not_shadow_a_built_in_one() {
    let shop = Shop::open();
    let output = shop.command(&["stats"]).env("CLI_APP", "bad command").output().unwrap();
    Said::of(&output).refused(1, &["command `list` is built in: give it another name"]);
}

#[test]
fn unknown_commands_and_options_are_usage_errors() {
    let shop = Shop::open();
    shop.say(&["lits"]).refused(2, &["unknown command `lits`; did you mean `list`?"]);
    shop.say(&["publis"]).refused(2, &["did you mean `publish`"]);
    shop.say(&["xyzzy"]).refused(2, &["`cli_app --help` lists"]);
    shop.say(&["list", "--quue", "x"]).refused(2, &["--quue", "--queue"]);
    shop.say(&["--until-empty"]).refused(2, &["--until-empty", "Usage: cli_app"]);
}

#[test]
fn a_main_that_fails_says_why() {
    let shop = Shop::open();
    let broken = |words| Said::of(&shop.command(words).env("CLI_APP", "broken").output().unwrap());
    broken(&["stats"]).refused(1, &["error: can't read the port\n  because: invalid digit"]);
    let help = broken(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.out.contains("dispatch") && help.err.contains("can't read the port"), "{help:?}");
}

#[test]
fn a_bad_store_is_refused_without_its_password() {
    let shop = Shop::open();
    let said = shop.say(&["stats", "--store", "mysql://me:s3cret@host/db"]);
    said.refused(1, &["can't use `mysql://me:***@host/db` as a job store", "`sqlite:FILE`"]);
    assert!(!said.err.contains("s3cret"), "{said:?}");
    shop.say(&["stats", "--store", "sqlite:no/such/folder/jobs.db"]).refused(1, &["can't open", "jobs.db"]);
    let output = shop.command(&["stats"]).env("JOBWORK_URL", "x:y").output().unwrap();
    Said::of(&output).refused(1, &["can't use `x:y`"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let shop = Shop::open();
    let mut child = shop.command(&["jobs"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(child.wait().unwrap().success() && err.is_empty(), "{err}");
}
