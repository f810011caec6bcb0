#![allow(unused)]
use jobwork::job;

#[job(debounce = "0s")]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
