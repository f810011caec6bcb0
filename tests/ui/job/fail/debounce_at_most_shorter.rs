#![allow(unused)]
use jobwork::job;

#[job(debounce("5s", at_most = "1s"))]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
