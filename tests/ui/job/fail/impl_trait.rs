#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(to: impl Into<String>) {}

fn main() {}
