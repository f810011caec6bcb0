#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(#[default] to: String) {}

fn main() {}
