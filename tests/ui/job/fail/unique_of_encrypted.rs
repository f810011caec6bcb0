#![allow(unused)]
use jobwork::job;

#[job(encrypted, unique)]
async fn send_email(to: String, copies: u8) {}

#[job(encrypted, debounce = "5s")]
async fn send_letter(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
}
