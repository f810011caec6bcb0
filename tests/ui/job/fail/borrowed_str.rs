#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email(to: &str, cc: Vec<String>) {}

fn caller() {
    let _ = SendEmail::new("ann", vec![]);
}

fn main() {}
