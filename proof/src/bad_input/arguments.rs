use std::collections::BTreeMap;
use std::sync::Arc;

use jobwork::store::memory::Memory;
use jobwork::{App, Clock, JobError, JobState, Jobs, NewJob, job};

/// Takes most of what JSON has.
#[job(name = "bad_input_letter")]
async fn letter(
    to: String,
    count: u32,
    tags: Vec<String>,
    weights: BTreeMap<String, f64>,
    rest: serde_json::Value,
) -> Result<usize, JobError> {
    Ok(to.len() + count as usize + tags.len() + weights.len() + rest.to_string().len())
}

/// A job beside it, of which all is well.
#[job(name = "bad_input_sound")]
async fn sound(number: u32) -> Result<u32, JobError> {
    Ok(number)
}

/// Stored arguments are any text. A job whose arguments can't be read is dead as undecodable, they are kept byte for byte, and the job
/// behind it is performed.
///
/// # Panics
/// Where that does not hold.
pub fn arguments(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).into_owned();
    super::run(true, async {
        let jobs = Jobs::new(Arc::new(Memory::new())).with_clock(Clock::tokio());
        let new = vec![NewJob::new("bad_input_letter", &*text), NewJob::new("bad_input_sound", r#"{"number":7}"#)];
        let ids = jobs.push(new).await.expect("the store takes any text");
        App::new().single_runtime(true).jobs(jobs.clone()).run_until_empty().await.expect("the worker ends by itself");
        let bad = jobs.get(ids[0]).await.expect("the store answers").expect("the job is kept");
        assert_eq!(bad.args, text, "the arguments are kept");
        if bad.state != JobState::Completed {
            assert_eq!(bad.state, JobState::Dead);
            let reason = bad.reason.expect("a dead job has a reason");
            assert!(reason.starts_with("undecodable"), "{reason}");
            let history = jobs.history(ids[0]).await.expect("the store answers");
            assert_eq!(history.len(), 1, "it was tried once: nothing changes by trying again");
        }
        let good = jobs.get(ids[1]).await.expect("the store answers").expect("the job is kept");
        assert_eq!(good.state, JobState::Completed, "the job beside it was performed");
    });
}
