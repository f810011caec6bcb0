#![allow(unused)]
use jobwork::job;

#[job(unique(states = [waiting, scheduled, reddy, failed, running, running]))]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
