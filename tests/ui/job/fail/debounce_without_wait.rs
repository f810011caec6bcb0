#![allow(unused)]
use jobwork::job;

#[job(debounce(by = to))]
async fn send_email(to: String, copies: u8) {}

#[job(debounce())]
async fn send_letter(to: String, copies: u8) {}

#[job(debounce)]
async fn send_parcel(to: String, copies: u8) {}

fn main() {
    let _ = SendEmail::new("ann", 2);
    let _ = SendLetter::new("ann", 2);
    let _ = SendParcel::new("ann", 2);
}
