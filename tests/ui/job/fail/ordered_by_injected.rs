#![allow(unused)]
use jobwork::{CancelSignal, job};

#[job(ordered = stop)]
async fn send_email(to: String, copies: u8, stop: CancelSignal) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
