#![allow(unused)]
use jobwork::job;

fn from_v1(old: (String,)) -> String {
    old.0
}

#[job(version = 2, upgrade = from_v1)]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
