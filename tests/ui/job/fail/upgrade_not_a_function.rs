#![allow(unused)]
use jobwork::job;

#[job(version = 2, upgrade = "from_v1")]
async fn send_email(to: String, copies: u8) {}

#[job(version = 2, upgrade = [])]
async fn send_letter(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
}
