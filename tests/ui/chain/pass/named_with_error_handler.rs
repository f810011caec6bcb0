//! A named chain has an error handler of its own, and parameters of any kind.
use jobwork::{FailedJob, JobError, job, named_chain};

#[job]
async fn process(id: u64, name: String) {
    let _ = (id, name);
}

async fn note(_: FailedJob, _: JobError) {}

/// Documented.
#[named_chain(on_error = note, name = "podcasts")]
#[derive(Debug)]
pub fn pipeline(id: u64, name: &str, suffix: String) {
    let name = format!("{name}{suffix}");
    jobwork::chain![Process(id, name)]
}

fn main() {
    drop(Pipeline::dispatch(1, "a", "b"));
    assert_eq!((Pipeline::NAME, format!("{Pipeline:?}").as_str()), ("podcasts", "Pipeline"));
}
