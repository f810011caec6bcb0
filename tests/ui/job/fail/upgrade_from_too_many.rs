#![allow(unused)]
use jobwork::job;

#[job(version = 2, upgrade = [from_v0, from_v1])]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
