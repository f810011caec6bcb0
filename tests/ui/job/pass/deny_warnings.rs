//! Generated code keeps the strictest lints.
#![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, missing_debug_implementations)]
#![deny(unused_lifetimes, redundant_lifetimes, elided_lifetimes_in_paths)]
#![no_implicit_prelude]

extern crate jobwork;
extern crate std;

use jobwork::{CancelSignal, JobContext, JobError, State, job};
use std::prelude::rust_2024::*;
use std::string::String;
use std::vec::Vec;

#[job(name = "mail", alias = ["post"], priority = -1, cleanup = "5s", backoff = exponential("1s".."1h"))]
async fn send_email(to: String, cc: Vec<String>, mail: State<String>, job: JobContext, stop: CancelSignal) -> Result<u8, JobError> {
    let _ = (to, cc, mail, job, stop);
    Ok(1)
}

#[job]
#[derive(Debug)]
fn without_arguments() {}

fn main() {
    let _job: SendEmail = SendEmail::new("ann", std::vec![]);
    let _job: WithoutArguments = WithoutArguments::new();
}
