#![allow(unused)]
use jobwork::{chain, job, named_chain};

#[job]
async fn process(id: u64) -> Result<String, String> {
    Ok(id.to_string())
}

#[job]
async fn release(audio: String, feed: String) {}

#[named_chain]
fn pipeline(id: u64) {
    chain![Process(id), Process]
}

fn main() {
    drop(Pipeline::dispatch(1));
}
