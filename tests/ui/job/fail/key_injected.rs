#![allow(unused)]
use jobwork::{CancelSignal, job};

#[job(concurrency = 2, key = stop)]
async fn send_email(to: String, copies: u8, stop: CancelSignal) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
