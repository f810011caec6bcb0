#![allow(unused)]
use jobwork::job;

fn key(to: &String) -> String {
    to.clone()
}

#[job(unique = key)]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
