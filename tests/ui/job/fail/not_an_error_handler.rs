#![allow(unused)]
use jobwork::job;

#[job]
async fn other() {}

fn note(_: String) {}

#[job(on_error = note)]
async fn send_email(to: String) {}

fn main() {}
