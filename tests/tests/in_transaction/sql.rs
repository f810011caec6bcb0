//! Dispatching from other languages, by a function of the schema.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::str::FromStr;

use jobwork::store::Filter;
use jobwork::{JobHandle, JobId, JobState, NewJob};
use jobwork_tests::postgres::connect;
use tokio_postgres::Client;

use super::jobs::Echo;
use super::scene::{Scene, result};

/// What a program prints that is given this as its input.
fn run(command: &mut Command, input: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (printed, errors) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{errors}");
    printed
}

/// The first line is the id of a job that was rolled back, the second of one that was committed.
async fn assert_as_committed(mut scene: Scene, printed: &str) {
    let ids: Vec<JobId> = printed.lines().map(|line| JobId::from_str(line).unwrap()).collect();
    assert_eq!((ids.len(), scene.exists(ids[0]).await), (2, false));
    scene.assert_told(JobHandle::new(ids[1], scene.jobs.clone())).await;
}

#[tokio::test]
async fn psql_dispatches_with_its_commit() {
    let scene = Scene::new().await;
    let (schema, effect) = (&scene.schema.name, scene.effect());
    let input = format!(
        r#"BEGIN; {effect}; SELECT {schema}.dispatch('echo', '{{"text": "lost"}}'); ROLLBACK;
           BEGIN; {effect}; SELECT {schema}.dispatch('echo', '{{"text": "kept"}}'); COMMIT;"#
    );
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", &scene.database()]);
    let printed = run(&mut psql, &input);
    assert_as_committed(scene, &printed).await;
}

#[tokio::test]
async fn python_dispatches_with_its_commit() {
    let scene = Scene::new().await;
    let script = r#"
import json, sys, psycopg2
database, schema, effect = sys.argv[1:]
connection = psycopg2.connect(database)
for text in ["lost", "kept"]:
    with connection.cursor() as cursor:
        cursor.execute(effect)
        cursor.execute(f"SELECT {schema}.dispatch(%s, args => %s)", ("echo", json.dumps({"text": text})))
        print(cursor.fetchone()[0])
    connection.commit() if text == "kept" else connection.rollback()
"#;
    // The system's own has the packages of the system.
    let system = Path::new("/usr/bin/python3");
    let mut python = Command::new(if system.exists() { system } else { Path::new("python3") });
    python.args(["-", &scene.database(), &scene.schema.name, &scene.effect()]);
    let printed = run(&mut python, script);
    assert_as_committed(scene, &printed).await;
}

/// The id that a dispatch of these arguments returns.
async fn dispatch(scene: &Scene, client: &Client, arguments: &str) -> JobId {
    let call = format!("SELECT {}.dispatch({arguments})::text", scene.schema.name);
    let id: String = client.query_one(&call, &[]).await.unwrap().get(0);
    JobId::from_str(&id).unwrap()
}

#[tokio::test]
async fn a_dispatch_by_sql_has_the_defaults_of_any_new_job() {
    let scene = Scene::new().await;
    let client = connect(&scene.schema.url).await;
    let by_sql = scene.jobs.get(dispatch(&scene, &client, "'plain'").await).await.unwrap().unwrap();
    let ours = scene.jobs.push(vec![NewJob::new("plain", "{}")]).await.unwrap()[0];
    let mut ours = scene.jobs.get(ours).await.unwrap().unwrap();
    (ours.id, ours.created_at, ours.run_at) = (by_sql.id, by_sql.created_at, by_sql.run_at);
    assert_eq!(by_sql, ours);
}

#[tokio::test]
async fn a_dispatch_by_sql_says_what_any_dispatch_can_say() {
    let scene = Scene::new().await;
    let client = connect(&scene.schema.url).await;
    let id = dispatch(
        &scene,
        &client,
        r#"'echo', jsonb_build_object('text', U&'\FDD0'), queue => 'mail', priority => -3, delay => '90 seconds', retries => 2,
           unique_key => 'k', unique_for => '1 hour', ordered => 'o', tags => '{one,two}', expires_after => '1 minute',
           retain => '1 day', version => 4"#,
    )
    .await;
    let job = scene.jobs.get(id).await.unwrap().unwrap();
    assert_eq!(job.args, "{\"text\": \"\u{fdd0}\"}");
    assert_eq!((job.queue.as_str(), job.priority, job.retries, job.version), ("mail", -3, 2, 4));
    assert_eq!((job.state, job.tags.as_slice()), (JobState::Scheduled, &["one".to_owned(), "two".to_owned()][..]));
    assert_eq!((job.unique_key.as_deref(), job.ordered.as_deref()), (Some("k"), Some("o")));
    assert_eq!(job.run_at.duration_since(job.created_at).as_secs(), 90);
    assert_eq!(job.expires_at.unwrap().duration_since(job.run_at).as_secs(), 60);
    assert_eq!(job.retain.unwrap().as_secs(), 86_400);
    assert_eq!(dispatch(&scene, &client, "'echo', unique_key => 'k'").await, id);
    let at = dispatch(&scene, &client, "'echo', run_at => '2100-01-01 00:00:00+00'").await;
    assert_eq!(scene.jobs.get(at).await.unwrap().unwrap().run_at.to_string(), "2100-01-01T00:00:00Z");
    assert_eq!(scene.jobs.list(&Filter::default()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_dispatch_by_sql_takes_arguments_in_their_order() {
    let scene = Scene::new().await;
    let client = connect(&scene.schema.url).await;
    let id = dispatch(&scene, &client, "'echo', '[\"first\"]'").await;
    let _worker = scene.worker().await;
    assert_eq!(result(&JobHandle::<Echo>::new(id, scene.jobs.clone())).await, "first");
}

#[tokio::test]
async fn a_dispatch_by_sql_that_can_not_be_says_why() {
    let scene = Scene::new().await;
    let client = connect(&scene.schema.url).await;
    let wrong = [
        ("''", "the name of the job is missing"),
        (
            "'j', '3'",
            "args are 3, expected an object by parameter name, such as {\"to\": \"ann\"}, or an array in parameter order",
        ),
        (
            "'j', jsonb_build_object('a', repeat('x', 10000000))",
            "the args have 10000009 bytes of JSON, expected at most 10000000: keep what is large in a file or a table and pass its name",
        ),
        ("'j', queue => ''", "the queue is empty, expected a name such as default"),
        ("repeat('j', 1001)", "the name has 1001 bytes, expected at most 1000"),
        ("'j', priority => NULL", "the priority is null, expected a number"),
        ("'j', delay => '1s', run_at => now()", "both delay and run_at are given, expected one of them"),
        ("'j', delay => '-1s'", "the delay is -00:00:01, expected a time that is not negative"),
        ("'j', run_at => 'infinity'", "run_at is infinity, expected a time"),
        ("'j', retries => -1", "retries are -1, expected 0 or more"),
        ("'j', unique_for => '1 hour'", "unique_for is given, but no unique_key"),
        ("'j', unique_key => 'k', unique_for => '0'", "unique_for is 00:00:00, expected a time that is more than zero"),
        ("'j', expires_after => '-1s'", "expires_after is -00:00:01, expected a time that is not negative"),
        ("'j', retain => '-1s'", "retain is -00:00:01, expected a time that is not negative"),
        ("'j', tags => ARRAY[NULL]", "one of the tags is null, expected texts"),
        ("'j', version => 0", "the version is 0, expected 1 or more"),
    ];
    for (arguments, why) in wrong {
        let call = format!("SELECT {}.dispatch({arguments})", scene.schema.name);
        let error = client.query(&call, &[]).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert!(error.message().ends_with(&format!(": {why}")), "{arguments}: {error}");
    }
    assert_eq!(scene.jobs.list(&Filter::default()).await.unwrap(), []);
}
