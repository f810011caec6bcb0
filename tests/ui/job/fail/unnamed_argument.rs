#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(_: String) {}

fn main() {}
