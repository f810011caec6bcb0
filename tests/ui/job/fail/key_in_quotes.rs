#![allow(unused)]
use jobwork::job;

#[job(rate = "100/1m", key = "to")]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
