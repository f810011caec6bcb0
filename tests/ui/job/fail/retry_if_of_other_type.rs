#![allow(unused)]
use jobwork::job;

#[job]
async fn other() {}

fn worth(_: u8) -> bool {
    true
}

#[job(retry_if = worth)]
async fn send_email(to: String) {}

fn main() {}
