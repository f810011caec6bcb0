#![allow(unused)]
use jobwork::job;
use jobwork::JobContext;

#[job]
async fn send_email(#[inject(x)] job: JobContext) {}

fn main() {}
