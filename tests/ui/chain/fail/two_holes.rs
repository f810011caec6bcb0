#![allow(unused)]
use jobwork::{chain, job};

#[job]
async fn process(id: u64) -> Result<String, String> {
    Ok(id.to_string())
}

#[job]
async fn release(audio: String, feed: String) {}

fn main() {
    let _ = chain![Process, Release(_, _)].dispatch(1u64);
}
