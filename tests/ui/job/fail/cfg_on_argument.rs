#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(#[cfg(test)] to: String) {}

fn main() {}
