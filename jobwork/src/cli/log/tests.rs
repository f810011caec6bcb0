use std::sync::{Arc, Mutex};

use tracing_subscriber::layer::SubscriberExt;

use super::Render;
use super::json::Json;
use super::layer::Lines;
use super::text::Text;

/// What is logged when a job of this id does a few things.
fn logged(render: impl Render) -> Vec<String> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&lines);
    let layer = Lines::new(render, Box::new(move |line| kept.lock().unwrap().push(line.to_owned())));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::warn!(worker = 7, "no job");
        let id = "01a200df-160b-8000-8000-00000000002a";
        let job = tracing::info_span!(target: "jobwork::worker", "job", name = "send", id, attempt = 2, queue = "mail");
        let _job = job.entered();
        let _own = tracing::info_span!("upload", file = "a b", size = tracing::field::Empty).entered();
        tracing::Span::current().record("size", 9);
        tracing::info!(done = true, "evil \u{1b}[2J\n{}", "text");
    });
    lines.lock().unwrap().clone()
}

#[test]
fn a_line_for_the_eye_has_a_short_time_and_a_short_id() {
    let lines = logged(Text { for_eyes: true, colours: false });
    let after_time: Vec<&str> = lines.iter().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(after_time[0], " WARN no job  worker=7\n");
    assert_eq!(after_time[1], " INFO evil \\u{1b}[2J\\ntext  send 0000002a #2  file=\"a b\" size=9 done=true\n");
    assert_eq!(lines[0].split_once(' ').unwrap().0.len(), "18:03:07".len());
}

#[test]
fn a_line_for_a_file_leads_to_the_job() {
    let lines = logged(Text { for_eyes: false, colours: false });
    assert!(lines[1].contains("  send 01a200df-160b-8000-8000-00000000002a #2  "), "{lines:?}");
    let time = lines[0].split_once(' ').unwrap().0;
    time.parse::<jiff::Timestamp>().unwrap();
    assert_eq!(time.len(), "2030-01-31T18:00:00.000Z".len());
}

#[test]
fn colours_change_nothing_but_colours() {
    let lines = logged(Text { for_eyes: true, colours: true });
    assert!(lines[0].contains("\u{1b}[33m WARN\u{1b}[0m"), "{lines:?}");
    assert!(lines[1].contains("\u{1b}[1msend\u{1b}[0m"), "{lines:?}");
}

#[test]
fn a_line_of_json_has_it_all() {
    let lines: Vec<serde_json::Value> = logged(Json).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["level"], "warn");
    assert_eq!(lines[0]["fields"], serde_json::json!({ "worker": 7 }));
    assert!(lines[0].get("job").is_none());
    assert_eq!(lines[1]["message"], "evil \u{1b}[2J\ntext");
    assert_eq!(lines[1]["job"]["id"], "01a200df-160b-8000-8000-00000000002a");
    assert_eq!(lines[1]["job"]["attempt"], 2);
    assert_eq!(lines[1]["spans"][0]["fields"], serde_json::json!({ "file": "a b", "size": 9 }));
}
