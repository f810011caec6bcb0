use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use jobwork::__private::answer;
use jobwork::store::Filter;
use jobwork::store::memory::Memory;
use jobwork::{App, Jobs};
use serde_json::Value;

/// The exit codes of a command that was refused.
const REFUSED: [u8; 3] = [1, 2, 3];

/// Commands that take something to be read, with `TEXT` in its place.
const COMMANDS: [&[&str]; 18] = [
    &["dispatch", "bad_input_sound", "{\"number\":1}", "--delay", "TEXT"],
    &["dispatch", "bad_input_sound", "{\"number\":1}", "--at", "TEXT"],
    &["dispatch", "bad_input_sound", "{\"number\":1}", "--priority", "TEXT"],
    &["dispatch", "TEXT", "{\"number\":1}"],
    &["list", "--older-than", "TEXT"],
    &["list", "--ended-before", "TEXT"],
    &["list", "--state", "TEXT"],
    &["list", "--tag", "TEXT"],
    &["list", "--error", "TEXT"],
    &["list", "--before", "TEXT"],
    &["prune", "--older-than", "TEXT"],
    &["limit", "mail", "--rate", "TEXT"],
    &["limit", "TEXT", "--concurrency", "3"],
    &["pause", "TEXT"],
    &["pause", "mail", "--for", "TEXT"],
    &["show", "TEXT"],
    &["retry", "--older-than", "TEXT", "--dry-run"],
    &["cancel", "TEXT"],
];

/// The command line: arguments in JSON are stored as they were written, or refused with a word about them; all else that a command reads
/// is read, or refused.
///
/// # Panics
/// Where that does not hold.
pub fn cli_json(bytes: &[u8]) {
    // The system hands over no text with a zero byte in it.
    let text = String::from_utf8_lossy(bytes).replace('\0', "");
    super::run(true, async {
        for name in ["bad_input_sound", "bad_input_letter"] {
            dispatch(name, &text).await;
        }
        let _ = others(&mut Unstructured::new(bytes)).await;
    });
}

async fn dispatch(name: &str, text: &str) {
    if text == "-" {
        // It would read the standard input.
        return;
    }
    let jobs = Jobs::new(Arc::new(Memory::new()));
    let said = call(&jobs, &["dispatch", name, "--", text]).await;
    let stored = jobs.list(&Filter::default()).await.expect("the store answers");
    match said {
        Ok(id) => {
            assert_eq!(stored.len(), 1);
            assert_eq!(stored[0].id.to_string(), id.trim());
            assert_eq!(stored[0].args, text.trim(), "the arguments are stored as they were written");
            let read: Value = serde_json::from_str(text.trim()).expect("what was taken is JSON");
            assert!(read.is_object() || read.is_array());
        }
        Err((code, message)) => {
            assert_eq!((stored.len(), code), (0, 2), "{message}");
            assert!(!message.is_empty());
        }
    }
}

async fn others(input: &mut Unstructured<'_>) -> Result<()> {
    const TEXTS: [&str; 12] = [
        "10m",
        "1h 30m",
        "7d",
        "-5s",
        "99999999999h",
        "2030-01-31T18:00:00Z",
        "100/1m",
        "0/1s",
        "4294967296/1s",
        "1/99999999999h",
        "P99999999Y",
        "dead",
    ];
    let command = *input.choose(&COMMANDS)?;
    let any: &str = if input.arbitrary()? { input.choose(&TEXTS)? } else { input.arbitrary()? };
    let any = any.replace('\0', "");
    let words: Vec<&str> = command.iter().map(|word| if *word == "TEXT" { any.as_str() } else { word }).collect();
    let jobs = Jobs::new(Arc::new(Memory::new()));
    if let Err((code, message)) = call(&jobs, &words).await {
        assert!(REFUSED.contains(&code), "{words:?}: {code}");
        assert!(!message.is_empty(), "{words:?}");
    }
    Ok(())
}

async fn call(jobs: &Jobs, words: &[&str]) -> std::result::Result<String, (u8, String)> {
    let words: Vec<String> = std::iter::once("app").chain(words.iter().copied()).map(str::to_owned).collect();
    answer(&words, App::new().jobs(jobs.clone())).await
}
