#![allow(unused)]
use jobwork::job;

#[job(retain = 7)]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
