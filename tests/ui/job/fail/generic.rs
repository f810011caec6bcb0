#![allow(unused)]
use jobwork::job;

#[job]
async fn send_email<T>(to: T) {}

fn caller() {
    let _ = SendEmail::new(1);
}

fn main() {}
