#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(to: Vec<&u8>) {}

fn main() {}
