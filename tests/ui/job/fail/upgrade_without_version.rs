#![allow(unused)]
use jobwork::job;

fn from_v1(to: (String,)) -> SendEmail {
    SendEmail::new(to.0, 1)
}

#[job(upgrade = from_v1)]
async fn send_email(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
}
