#![allow(unused)]
use jobwork::job;

struct Key;

fn key(_: &SendEmail) -> Key {
    Key
}

#[job(unique = key)]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
