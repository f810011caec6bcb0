//! Bare, holed and complete steps, in every place.
#![deny(warnings)]
use jobwork::{chain, job, named_chain};

#[job]
async fn process(id: u64) -> Result<String, String> {
    Ok(id.to_string())
}

#[job]
async fn release(audio: String, feed: String) {
    let _ = (audio, feed);
}

#[named_chain(queue = "priority", priority = 1)]
fn pipeline(id: u64, feed: String) {
    let next = id + 1;
    chain![Process(next), Release(_, feed)]
}

fn main() {
    drop(chain![Process, Release(_, "news")].dispatch(42u64));
    drop(chain![Release(_, "news"), Process(1)].dispatch("a"));
    drop(chain![Process(42), Release("x", "y"), Process(7)].dispatch());
    drop(jobwork::chain![crate = ::jobwork; Process(42),].queue("low").dispatch());
    drop(Pipeline::dispatch(42, "news"));
    assert_eq!(Pipeline::NAME, "pipeline");
}
