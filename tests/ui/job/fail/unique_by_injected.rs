#![allow(unused)]
use jobwork::{CancelSignal, job};

#[job(unique(by = stop))]
async fn send_email(to: String, copies: u8, stop: CancelSignal) {}

#[job(unique = [to, stop])]
async fn send_letter(to: String, copies: u8, stop: CancelSignal) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
}
